"""The high-water file: how far a node has got, kept beside its store and not in it.

A store that a backup was put back over, or that lost its write-ahead log, looks sound from inside.  It has been rolled
back if it is behind this file: then the node may have signed receipts for what is not there any more.

The file is written after a commit has been flushed, and is not flushed itself.  So it is never ahead of a sound store
and never gives a false alarm; a power cut may cost its last words, which only makes it notice less.
"""

from __future__ import annotations

import errno
import os
import shlex
import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from byway.clock import UNKNOWN_UPTIME, Uptime
from byway.errors import StoreError

HIGH_WATER_FILE: Final = "high-water"
SLOT_BYTES: Final = 512  # a sector: a write that is torn leaves the other slot whole

_MAGIC: Final = b"byway h2"
_MARK: Final = struct.Struct(">8sQ16sQQq16sQ")
_FORMS: Final = {_MAGIC: _MARK, b"byway hw": struct.Struct(">8sQ16sQQq")}  # the second was written before, and is read
_CHECK: Final = struct.Struct(">I")
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Mark(NamedTuple):
    """How far a node has got."""

    chain: bytes
    """16 bytes: the chain of its last commit."""
    number: int
    """The place of that commit in its chain; 0 before the first."""
    next_sequence: int
    clock_ms: int
    """What time it was for the node, in Unix milliseconds."""
    uptime: Uptime = UNKNOWN_UPTIME
    """How long the computer had been running at that time."""


class InDoubt(NamedTuple):
    """What receipts may have been given for and the store does not have.  Both ends of a range belong to it."""

    sequences: tuple[int, int]
    commits: tuple[int, int] | None
    """Their places in the chain; None if the chain is not the one of the store."""


def in_doubt(mark: Mark | None, *, chain: bytes, number: int, next_sequence: int) -> InDoubt | None:
    """What a store with this chain, last commit and next sequence has lost; None if it is not behind the mark.

    Sequences alone decide: they never begin again, whatever the chain.
    """
    if mark is None or next_sequence >= mark.next_sequence:
        return None
    commits = (number + 1, mark.number) if chain == mark.chain and number < mark.number else None
    return InDoubt((next_sequence, mark.next_sequence - 1), commits)


class HighWaterFile:
    """Two slots that are written in turn, each with a check: the newest that is whole counts."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it, and read it.  Raises `StoreError`."""
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            slots = os.pread(self._descriptor, 2 * SLOT_BYTES, 0)
        except OSError as error:
            raise self._fault(error) from error
        found = [slot for at in (0, SLOT_BYTES) if (slot := _parse(slots[at : at + SLOT_BYTES])) is not None]
        newest = max(found, default=None)
        self._turn = newest[0] if newest else 0
        self.found = newest[1] if newest else None

    def write(self, mark: Mark) -> None:
        """Note how far the node has got.

        Where the disk is full this does nothing: what came before stays, and is still true.  Raises `StoreError` for
        any other I/O error.
        """
        turn = self._turn + 1
        packed = _MARK.pack(_MAGIC, turn, *mark[:-1], *mark.uptime)
        slot = (packed + _CHECK.pack(zlib.crc32(packed))).ljust(SLOT_BYTES, b"\0")
        try:
            os.pwrite(self._descriptor, slot, turn % 2 * SLOT_BYTES)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise self._fault(error) from error
        else:
            self._turn = turn

    def close(self) -> None:
        """Give the file back.  Twice is once."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _fault(self, error: OSError) -> StoreError:
        return StoreError(
            f"the high-water file {self._path} cannot be used: {error.strerror}",
            code="store-full" if error.errno in _NO_ROOM else "store-failed",
            next_step=f"ls -l {shlex.quote(str(self._path))}",
        )


def _parse(slot: bytes) -> tuple[int, Mark] | None:
    form = _FORMS.get(slot[: len(_MAGIC)])
    if form is None or len(slot) < form.size + _CHECK.size:
        return None
    if _CHECK.unpack_from(slot, form.size) != (zlib.crc32(slot[: form.size]),):
        return None
    _, turn, chain, number, next_sequence, clock_ms, *uptime = form.unpack_from(slot)
    return turn, Mark(chain, number, next_sequence, clock_ms, Uptime(*uptime) if uptime else UNKNOWN_UPTIME)
