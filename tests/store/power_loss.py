"""A disk in memory under SQLite, which can fail at any operation and lose its power.

Each file has what a reading process sees now, what a flush has made durable, and the operations in between.  After a
cut of the power any part of those operations is on the disk, in their order or in another one, and some of the writes
are torn.

Not modelled: names that a flush of the folder has not made durable.
"""

# ruff: noqa: N802, ARG002 - the names and the arguments are those of SQLite

from __future__ import annotations

import itertools
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import cast

import apsw

SECTOR_BYTES = 512
TORN_SHARE = 0.3
OUT_OF_ORDER_SHARE = 0.5
AS_IT_IS_SHARE = 0.5
CHANGES = ("write", "sync", "truncate", "delete")

_names = itertools.count()


class Image:
    """The bytes of one file."""

    def __init__(self) -> None:
        self.current = bytearray()
        self.durable = bytearray()
        self.pending: list[tuple[int, bytes | None]] = []  # offset and what is written; None cuts the file there

    def do(self, offset: int, data: bytes | None) -> None:
        _apply(self.current, offset, data)
        self.pending.append((offset, data))

    def flush(self) -> None:
        for offset, data in self.pending:
            _apply(self.durable, offset, data)
        self.pending.clear()

    def after_cut(self, random: Random) -> bytes:
        """What the next boot may find: none, about half, all or any share of what was not flushed.

        A later write may be there without an earlier one, and may have reached the disk before it.
        """
        found = bytearray(self.durable)
        share = random.choice((0.0, 0.5, 1.0, random.random()))
        done = [operation for operation in self.pending if random.random() < share]
        if random.random() < OUT_OF_ORDER_SHARE:
            random.shuffle(done)
        for offset, data in done:
            if data and random.random() < TORN_SHARE:
                for at, part in _tear(offset, data, random):
                    _apply(found, at, part)
            else:
                _apply(found, offset, data)
        return bytes(found)


class Unflushed:
    """A file on a real disk that nobody flushes: after a cut each sector of it may be as it was at any time before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sectors = [[part] for _, part in _sectors(0, self._read())]

    def look(self) -> None:
        """Remember what is in it now; what it was between two looks is not found again."""
        parts = dict(_sectors(0, self._read()))
        self._sectors += [[b""] for _ in range(len(parts) - len(self._sectors))]
        for number, versions in enumerate(self._sectors):
            if (now := parts.get(number * SECTOR_BYTES, b"")) != versions[-1]:
                versions.append(now)

    def after_cut(self, random: Random) -> bytes:
        """What the next boot may find: it as it is now, or each sector as it was at some look; some are torn."""
        self.look()
        if random.random() < AS_IT_IS_SHARE:
            return self._read()
        found = bytearray()
        for number, versions in enumerate(self._sectors):
            version = random.choice(versions)
            if random.random() < TORN_SHARE:
                end = random.randrange(SECTOR_BYTES + 1)
                version = version[:end] + random.choice(versions)[end:]
            if version:
                _apply(found, number * SECTOR_BYTES, version)
        return bytes(found)

    def _read(self) -> bytes:
        return self._path.read_bytes() if self._path.exists() else b""


class Disk(apsw.VFS):
    """Give its `name` to `open_store`.  `before` gets each operation and file, and may raise to make it fail."""

    def __init__(self) -> None:
        self.name = f"disk-{next(_names)}"
        self.images: dict[str, Image] = {}
        self.before: Callable[[str, str], object] = healthy
        super().__init__(self.name, base="")

    def after_cut(self, folder: Path, random: Random) -> None:
        """Write to `folder` what a boot after a cut of the power may find."""
        folder.mkdir()
        for name, image in self.images.items():
            (folder / Path(name).name).write_bytes(image.after_cut(random))

    def after_death(self) -> Disk:
        """The same disk as a process finds it that starts now: what was written is there, flushed or not."""
        heir = Disk()
        heir.images = deepcopy(self.images)
        return heir

    def excepthook(self, *_: object) -> bool:
        return True

    def xFullPathname(self, name: str) -> str:
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:
        return pathname in self.images

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.before("delete", Path(filename).name)
        del self.images[filename]

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self.before("open", Path(path).name)
        flags[1] = flags[0]
        return cast("apsw.VFSFile", _File(self, Path(path).name, self.images.setdefault(path, Image())))


class _File:
    def __init__(self, disk: Disk, name: str, image: Image) -> None:
        self._disk = disk
        self._name = name
        self._image = image

    def excepthook(self, *_: object) -> bool:
        return True

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.before("read", self._name)
        return bytes(self._image.current[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.before("write", self._name)
        self._image.do(offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self._disk.before("truncate", self._name)
        self._image.do(size, None)

    def xSync(self, flags: int) -> None:
        try:
            self._disk.before("sync", self._name)
        except apsw.Error:
            self._image.pending.clear()  # Linux forgets that the pages are dirty: a later flush does not write them
            raise
        self._image.flush()

    def xFileSize(self) -> int:
        return len(self._image.current)

    def xClose(self) -> None:
        pass

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE  # as SQLite takes real disks to be


class Faults:
    """Fails operations: the one with number `at` of those named, and all later ones if the fault `stays`."""

    def __init__(
        self, at: int, operations: tuple[str, ...] = CHANGES, *, stays: bool, error: type[apsw.Error] = apsw.IOError
    ) -> None:
        self._at = at
        self._operations = operations
        self._stays = stays
        self._error = error
        self._seen = 0

    @property
    def fired(self) -> bool:
        return self._seen >= self._at

    def __call__(self, operation: str, name: str) -> None:
        if operation not in self._operations:
            return
        self._seen += 1
        if self._seen == self._at or (self._stays and self._seen > self._at):
            raise self._error(f"{operation} {self._seen} fails, in {name}")


def healthy(operation: str, name: str) -> None:
    """Nothing happens before an operation."""


def _tear(offset: int, data: bytes, random: Random) -> list[tuple[int, bytes]]:
    """What of a write is on the disk: its first bytes, its first sectors, or any of its sectors."""
    sectors = _sectors(offset, data)
    match random.randrange(3):
        case 0:
            return [(offset, data[: random.randrange(len(data) + 1)])]
        case 1:
            return sectors[: random.randrange(len(sectors) + 1)]
        case _:
            return [sector for sector in sectors if random.random() < 0.5]


def _sectors(offset: int, data: bytes) -> list[tuple[int, bytes]]:
    """The parts of a write that lie in different sectors of its file."""
    borders = [0, *range(SECTOR_BYTES - offset % SECTOR_BYTES, len(data), SECTOR_BYTES), len(data)]
    return [(offset + start, data[start:end]) for start, end in itertools.pairwise(borders)]


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
