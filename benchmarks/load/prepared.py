"""A file of casts that were signed beforehand: signing is the work of the people, not of what is measured.

The file has the casts one after the other, each behind its length as four bytes, big-endian.  All are of the smallest
size class, by a key of their own, valid for a day, and for `TOPIC`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey

from benchmarks.load.template import CastTemplate
from byway.protocol.statement import Statement, parse_statement, sign_statement

TOPIC: Final = "urn:byway:topic:open:homes:boston"
PATTERN: Final = "open:homes:**"

_LENGTH: Final = struct.Struct(">I")


def prepare(path: Path, count: int) -> None:
    """Sign `count` casts into a new file at `path`; 0.1 ms each."""
    with path.open("wb") as file:
        for cast in casts(count):
            file.write(_LENGTH.pack(len(cast.data)))
            file.write(cast.data)


def read(path: Path, first: int, count: int) -> list[Statement]:
    """The casts number `first` to `first + count - 1` of the file; the first is number 0.

    Raises `ValueError` if the file has fewer.
    """
    found = [parse_statement(data) for data in islice(_pieces(path), first, first + count)]
    if len(found) < count:
        raise ValueError(f"{path} has no {count} casts from number {first} on")
    return found


class Supply:
    """The casts of a file, handed out once each: a router takes a cast that it has already for the same one."""

    def __init__(self, path: Path, count: int) -> None:
        self.path = path
        self._count = count
        self._next = 0

    def take(self, count: int) -> int:
        """The number of the first of `count` casts that nobody has taken.  Raises `ValueError` if there are no more."""
        if self._next + count > self._count:
            raise ValueError(f"{self.path} has only {self._count} casts")
        first = self._next
        self._next += count
        return first


def casts(count: int) -> Iterator[Statement]:
    """Casts that differ in their keys and in their wishes, as people make them."""
    template = CastTemplate.to(TOPIC)
    for number in range(count):
        key = SigningKey.generate()
        yield sign_statement(key, template.unsigned(bytes(key.verify_key), number))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while length := file.read(_LENGTH.size):
            yield file.read(*_LENGTH.unpack(length))
