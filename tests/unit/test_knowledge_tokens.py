"""Segmenters: jieba's own words are read once, from its cache, and no segmenter spoils them for another."""

from pathlib import Path

import jieba
import pytest

from knowledge import tokens
from knowledge.entry import Dictionary
from knowledge.tokens import Segmenter


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def alone(cache: Path) -> jieba.Tokenizer:
    """What jieba reads by itself; it leaves its cache."""
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(cache)
    tokenizer.initialize()
    return tokenizer


def test_segmenters_of_one_process_share_no_words_but_jieba_s_own(cache: Path, alone: jieba.Tokenizer):
    """The second takes jieba's words from the first, and has them as if it had read them."""
    first = Segmenter(Dictionary(("离校小助手",), ("调",)), {"报到证": ("派遣证", "报")}, cache_folder=cache)
    second = Segmenter(cache_folder=cache)
    assert first._jieba.FREQ["离校小助手"] > 0
    assert "离校小助手" not in second._jieba.FREQ
    assert second.general() == first.general() == alone.FREQ
    assert second.total == first.total == alone.total


def test_the_cache_is_read_as_jieba_reads_it(cache: Path, alone: jieba.Tokenizer):
    assert tokens._kept_words(cache / "jieba.cache") == (alone.FREQ, alone.total)


@pytest.mark.parametrize("content", [b"", b"half", None])
def test_a_cache_that_is_broken_or_missing_is_none(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "jieba.cache").write_bytes(content)
    assert tokens._kept_words(tmp_path / "jieba.cache") is None
