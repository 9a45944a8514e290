"""A store in a folder of its own, for each test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from byway.store.sqlite.store import SqliteStore
from tests.store.stores import open_here


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Callable[[], SqliteStore]]:
    """Closes the store in `tmp_path`, if it is open, and opens it as the next process would; closed at the end."""
    stack = ExitStack()

    def again() -> SqliteStore:
        stack.close()
        return stack.enter_context(open_here(tmp_path))

    with stack:
        yield again
