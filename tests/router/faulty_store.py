"""The real store with faults, as a disk would make them."""

from __future__ import annotations

from typing import Any

from byway.errors import StoreError
from byway.store.sqlite.store import SqliteStore

FULL = StoreError("the disk is full", code="store-full")
FAILED = StoreError("the disk says no", code="store-failed")
DAMAGED = StoreError("the store is damaged", code="store-damaged")


class FaultyStore:
    """The real store, but the methods in `faults` raise; `entries` stands for commits that hold statements."""

    def __init__(self, store: SqliteStore, faults: dict[str, StoreError]) -> None:
        self._store = store
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def raising(*args: Any, **more: Any) -> Any:
            if name in self._faults:
                raise self._faults[name]
            if "entries" in self._faults and name == "commit" and args[0]:
                raise self._faults["entries"]
            return method(*args, **more)

        return raising if callable(method) else method
