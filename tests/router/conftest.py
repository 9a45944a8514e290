"""A real store in a temporary folder, and a router on it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from byway.errors import StoreError
from byway.store.sqlite.store import SqliteStore, open_store
from tests.router.faulty_store import FaultyStore
from tests.router.node_in_memory import Node, node_in_memory, on_a_virtual_clock

HERE = Path(__file__).parent
NODE_KEY = SigningKey(b"n" * 32)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a `node` run on a virtual clock.  A clock that only a fixture asks for would not be used."""
    for item in items:
        if item.path.parent == HERE and "node" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.trio(run=on_a_virtual_clock), append=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path, node_key=bytes(NODE_KEY.verify_key), random=bytes, reserve_bytes=1024)
    yield opened
    opened.close()


@pytest.fixture
async def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Node]:
    """A router that runs."""
    async with node_in_memory(tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
async def faults(node: Node) -> dict[str, StoreError]:
    """What the store of `node` cannot do from now on: see `FaultyStore`."""
    raised: dict[str, StoreError] = {}
    await node.stop()
    node.wrap = lambda store: FaultyStore(store, raised)
    await node.start()
    return raised
