"""What a stretch of the journal holds, packed: enough to find its statements again without reading them.

Ids, kinds, expiry and addresses of the statements are one value in one row.  At start they are all that has to be read,
and a resubmitted statement finds there the ids that its first receipt is made from.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgpack

from byway.errors import StoreError
from byway.store.store import Entry

ID_BYTES: Final = 32


class Leaves(NamedTuple):
    """Consecutive statements, column by column.  An offset is a statement's place in the stretch."""

    ids: bytes
    """32 bytes each, one after the other."""
    kinds: bytes
    expires: tuple[int, ...]
    places: tuple[int, ...]
    """For each statement the index of its address in `addresses`."""
    addresses: list[str]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Leaves:
        """The leaves of these entries."""
        index: dict[str, int] = {}
        places = tuple([index.setdefault(entry.address, len(index)) for entry in entries])
        return cls(
            b"".join([entry.id for entry in entries]),
            bytes([entry.kind for entry in entries]),
            tuple([entry.expires for entry in entries]),
            places,
            list(index),
        )

    @classmethod
    def joined(cls, parts: Sequence[Leaves]) -> Leaves:
        """One stretch out of several that follow each other."""
        index: dict[str, int] = {}
        places: list[int] = []
        for part in parts:
            where = [index.setdefault(address, len(index)) for address in part.addresses]
            places += [where[place] for place in part.places]
        return cls(
            b"".join([part.ids for part in parts]),
            b"".join([part.kinds for part in parts]),
            tuple([expires for part in parts for expires in part.expires]),
            tuple(places),
            list(index),
        )

    @classmethod
    def from_bytes(cls, packed: bytes) -> Leaves:
        """What `to_bytes` packed.  Raises `StoreError` (`store-damaged`) for any other bytes."""
        try:
            ids, kinds, expires, places, addresses = msgpack.unpackb(packed)
            count = len(kinds)
            leaves = cls(
                ids, kinds, struct.unpack(f">{count}Q", expires), struct.unpack(f">{count}H", places), addresses
            )
        except (ValueError, TypeError, struct.error):
            raise _bad() from None
        if not count or type(kinds) is not bytes or type(ids) is not bytes or len(ids) != ID_BYTES * count:
            raise _bad()
        if type(addresses) is not list or len(addresses) <= max(leaves.places):
            raise _bad()
        if set(map(type, addresses)) != {str}:
            raise _bad()
        return leaves

    def to_bytes(self) -> bytes:
        """Packed for one blob."""
        count = len(self.kinds)
        packed: bytes = msgpack.packb(
            [
                self.ids,
                self.kinds,
                struct.pack(f">{count}Q", *self.expires),
                struct.pack(f">{count}H", *self.places),
                self.addresses,
            ]
        )
        return packed

    @property
    def of_each(self) -> list[str]:
        """The address of each statement."""
        return list(map(self.addresses.__getitem__, self.places))

    def expiring_after(self, instant: int) -> Sequence[int]:
        """The offsets of the statements that expire later than `instant`."""
        if instant < 0 or min(self.expires) > instant:
            return range(len(self.expires))
        return [offset for offset, expires in enumerate(self.expires) if expires > instant]

    def soonest(self, offsets: Sequence[int]) -> int:
        """When the first of these statements expires."""
        if len(offsets) == len(self.expires):
            return min(self.expires)
        return min([self.expires[offset] for offset in offsets])

    def id_at(self, offset: int) -> bytes:
        """The id of one statement."""
        return self.ids[ID_BYTES * offset : ID_BYTES * (offset + 1)]


def _bad() -> StoreError:
    return StoreError("the bytes are not the leaves of a stretch of the journal", code="store-damaged")
