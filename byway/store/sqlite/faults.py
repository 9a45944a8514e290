"""What went wrong in SQLite, in the words of the byway, with what to do about it."""

from __future__ import annotations

import apsw

from byway.errors import StoreError


def store_error(error: apsw.Error) -> StoreError:
    """The `StoreError` for an error of SQLite: `store-full`, `store-locked`, `store-damaged`, else `store-failed`."""
    if isinstance(error, apsw.FullError):
        return StoreError("the disk of the store is full", code="store-full", next_step="free some space on it: df -h")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreError(
            "another process has the store open",
            code="store-locked",
            next_step="stop that process, or give this node a data folder of its own",
        )
    if isinstance(error, apsw.NotADBError):
        return StoreError(
            "the store is not a SQLite database",
            code="store-damaged",
            next_step="move the file away and restore the last backup, or start with an empty store",
        )
    if isinstance(error, apsw.CorruptError):
        return StoreError(
            f"the store is damaged: {error}",
            code="store-damaged",
            next_step="check the disk, then restore the last backup",
        )
    return StoreError(
        f"the store failed: {error}",
        code="store-failed",
        next_step="check the disk and its permissions, then start the node again",
    )
