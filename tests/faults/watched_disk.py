"""The real disk under SQLite, with somebody who looks at each operation, and may make it fail or end the process."""

# ruff: noqa: N802 - the names are those of SQLite

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import apsw

NAME: Final = "watched"

Look = Callable[[str, str], object]  # the operation, with "before " or "after ", and "log" or "database"


class WatchedDisk(apsw.VFS):
    """Every connection that is opened without a file system of its own is on it, as long as it lives."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._real = apsw.vfs_names()[0]
        super().__init__(NAME, base=self._real, makedefault=True)

    def excepthook(self, *_: object) -> bool:
        return True

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        which = _which(name.filename() if isinstance(name, apsw.URIFilename) else str(name))
        self.look("before open", which)
        return _File(self.look, which, self._real, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.look("before delete", _which(filename))
        super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    def __init__(self, look: Look, which: str, real: str, name: Any, flags: list[int]) -> None:
        self._look = look
        self._which = which
        super().__init__(real, name, flags)

    def excepthook(self, *_: object) -> bool:
        return True

    def xRead(self, amount: int, offset: int) -> bytes:
        self._look("before read", self._which)
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:
        self._look("before write", self._which)
        super().xWrite(data, offset)
        self._look("after write", self._which)

    def xTruncate(self, size: int) -> None:
        self._look("before truncate", self._which)
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._look("before sync", self._which)
        super().xSync(flags)
        self._look("after sync", self._which)


def _which(path: str) -> str:
    return "log" if Path(path).name.endswith("-wal") else "database"
