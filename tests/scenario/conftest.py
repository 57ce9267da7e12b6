"""The world of the scenarios: one for each database, with the knowledge loaded once."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url
from support.world import World, open_world

import knowledge as packaged
from bot.clock import FakeClock
from knowledge.base import KnowledgeBase


@pytest.fixture(scope="session")
def knowledge() -> KnowledgeBase:
    """The real entries, with what this machine has learnt from them."""
    return packaged.open_base()


@pytest.fixture
def build_world(
    database_url: str, tmp_path: Path, clock: FakeClock, knowledge: KnowledgeBase, migrated_sqlite: Path
) -> Iterator[Callable[..., World]]:
    """Opens a world with other settings."""
    file = make_url(database_url).database
    if database_url.startswith("sqlite") and file:
        shutil.copy(migrated_sqlite, file)
    with ExitStack() as stack:
        yield lambda **sections: stack.enter_context(
            open_world(database_url, tmp_path / "var", clock, knowledge, migrated=True, **sections)
        )


@pytest.fixture
def world(build_world: Callable[..., World]) -> World:
    """A world as config.yaml has it."""
    return build_world()
