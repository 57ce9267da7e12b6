"""The world of the scenarios: one for each database, with the knowledge loaded once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.world import World, open_world

from bot.clock import FakeClock
from knowledge.base import KnowledgeBase
from knowledge.loader import load
from knowledge.tokens import Segmenter

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """The real entries."""
    library = load(ROOT / "knowledge" / "data")
    segmenter = Segmenter(library.dictionary, library.synonyms, cache_folder=tmp_path_factory.mktemp("jieba"))
    return KnowledgeBase.build(library.entries, library.school, segmenter=segmenter)


@pytest.fixture
def build_world(
    database_url: str, tmp_path: Path, clock: FakeClock, knowledge: KnowledgeBase
) -> Iterator[Callable[..., World]]:
    """Opens a world with other settings."""
    with ExitStack() as stack:
        yield lambda **sections: stack.enter_context(
            open_world(database_url, tmp_path / "var", clock, knowledge, **sections)
        )


@pytest.fixture
def world(build_world: Callable[..., World]) -> World:
    """A world as config.yaml has it."""
    return build_world()
