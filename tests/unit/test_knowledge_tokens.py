"""Segmenters: jieba's own words are read once, and no segmenter spoils them for another."""

from pathlib import Path

import jieba
import numpy as np
import pytest

from knowledge.entry import Dictionary
from knowledge.jieba_words import RAREST, Cutter, general_words
from knowledge.tokens import Segmenter


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def alone() -> dict[str, int]:
    """All that jieba itself knows."""
    with Path(jieba.__file__).with_name("dict.txt").open("rb") as dictionary:
        words: dict[str, int] = jieba.Tokenizer.gen_pfdict(dictionary)[0]
    return words


def test_segmenters_of_one_process_share_no_words_but_jieba_s_own(cache: Path):
    """The second takes jieba's words from the first, and has them as if it had read them."""
    first = Segmenter(Dictionary(("离校小助手",), ("调",)), {"报到证": ("派遣证", "报")}, cache_folder=cache)
    second = Segmenter(cache_folder=cache)
    assert first._jieba.FREQ["离校小助手"] > 0
    assert "离校小助手" not in second._jieba.FREQ
    assert (second.general(), second.total) == (first.general(), first.total) == general_words(cache)


def test_only_the_rare_words_of_jieba_are_left_out(cache: Path, alone: dict[str, int]):
    words, total = general_words(cache)
    assert {word for word, frequency in words.items() if frequency} == {word for word in alone if alone[word] >= RAREST}
    assert all(frequency == alone[word] for word, frequency in words.items() if frequency)
    assert all(word[:end] in words for word in words for end in range(1, len(word)))
    assert total == sum(words.values())


def test_what_was_read_once_is_read_at_one_go(cache: Path, monkeypatch: pytest.MonkeyPatch):
    first = general_words(cache)
    monkeypatch.delattr(jieba.Tokenizer, "gen_pfdict")
    assert general_words(cache) == first


@pytest.mark.parametrize("content", [b"", b"half", None])
def test_a_cache_that_is_broken_or_missing_is_made_again(tmp_path: Path, cache: Path, content: bytes | None):
    place = tmp_path / f"jieba-{RAREST}.cache"
    if content is not None:
        place.write_bytes(content)
    assert general_words(tmp_path) == general_words(cache)
    assert place.read_bytes() == (cache / place.name).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_words_are_read_where_nothing_can_be_kept(tmp_path: Path, cache: Path):
    assert general_words(tmp_path / "missing") == general_words(cache)


def test_texts_are_cut_as_jieba_cuts_them(cache: Path, alone: dict[str, int]):
    """Of all words that jieba knows, beside each other, and of what is none: the likeliest way, the last of equals."""
    words = np.array([*sorted(alone), *["a1", "𠀀", " ", "22届", "，"] * 9999])
    texts = ["".join(drawn) for drawn in np.random.default_rng(5).choice(words, (3000, 8))]
    ours, theirs = Cutter(), jieba.Tokenizer()
    for cutter in (ours, theirs):
        cutter.FREQ, cutter.total = general_words(cache)
        cutter.initialized = True
    assert [ours.lcut(text, HMM=False) for text in texts] == [theirs.lcut(text, HMM=False) for text in texts]
    assert ours.lcut("", HMM=False) == []
