"""The directory: where a stored statement is, by id and by address, in memory.

On disk these would be random indexes, which cost more per commit the larger they grow.  Here they cost about 130 bytes
a statement and nothing on disk: `byway.store.leaves` brings them back at start.

The id dictionary has only the first bytes of an id.  Statements that share them are all kept, and whoever asks compares
whole ids, so that two ids which somebody has made alike cannot hide each other.
"""

from __future__ import annotations

import heapq
import struct
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from byway.protocol.limits import MINUTE_MS
from byway.store.leaves import ID_BYTES, Leaves

PREFIX_BYTES: Final = 8  # a million statements share one about once in 37 million stores; bytes, whose hash is salted
GONE_SHARE: Final = 8  # an address is tidied when one in eight of its sequences is gone: cheap, and never much waste

_UNSIGNED_64: Final = "Q"


class Directory:
    """Sequences by id and by address.  What is added has higher sequences than what is there."""

    def __init__(self) -> None:
        self._sequences: dict[bytes, int] = {}
        self._further: dict[bytes, list[int]] = {}
        self._postings: defaultdict[str, array[int]] = defaultdict(lambda: array(_UNSIGNED_64))
        self._gone: dict[str, set[int]] = {}

    def add(self, first: int, leaves: Leaves, offsets: Sequence[int]) -> None:
        """Enter the statements at these offsets of the stretch that begins with `first`."""
        each = f"{PREFIX_BYTES}s{ID_BYTES - PREFIX_BYTES}x"
        prefixes: Sequence[bytes] = struct.unpack(each * len(leaves.kinds), leaves.ids)
        addresses: Sequence[str] = leaves.of_each
        if len(offsets) < len(prefixes):
            prefixes = [prefixes[offset] for offset in offsets]
            addresses = [addresses[offset] for offset in offsets]
        sequences = [first + offset for offset in offsets]
        self._add_prefixes(prefixes, sequences)
        postings = self._postings
        for address, sequence in zip(addresses, sequences, strict=True):
            if address:
                postings[address].append(sequence)

    def remove(self, first: int, leaves: Leaves, offsets: Iterable[int]) -> None:
        """Strike out statements that were added."""
        for offset in offsets:
            sequence = first + offset
            self._remove_prefix(leaves.id_at(offset)[:PREFIX_BYTES], sequence)
            address = leaves.addresses[leaves.places[offset]]
            if address:
                self._remove_posting(address, sequence)

    def candidates(self, statement_id: bytes) -> Sequence[int]:
        """The sequences that this id may have, ascending; nearly always none or one."""
        prefix = statement_id[:PREFIX_BYTES]
        sequence = self._sequences.get(prefix)
        if sequence is None:
            return ()
        return sorted([sequence, *self._further.get(prefix, ())])

    def holds(self, sequence: int, statement_id: bytes) -> bool:
        """Whether this sequence may have this id."""
        prefix = statement_id[:PREFIX_BYTES]
        return self._sequences.get(prefix) == sequence or sequence in self._further.get(prefix, ())

    def addresses(self) -> Iterable[str]:
        """Every address that something is for."""
        return list(self._postings)

    def sequences(self, addresses: Iterable[str], after: int, limit: int) -> list[int]:
        """The first `limit` sequences beyond `after` for any of these addresses, ascending."""
        runs = []
        for address in set(addresses):
            posting = self._postings.get(address)
            if posting is not None and posting[-1] > after:
                runs.append(_beyond(posting, self._gone.get(address, ()), after))
        return list(islice(heapq.merge(*runs), limit))

    def _add_prefixes(self, prefixes: Sequence[bytes], sequences: Sequence[int]) -> None:
        known = list(map(self._sequences.setdefault, prefixes, sequences))
        if known != sequences:
            for prefix, sequence, earlier in zip(prefixes, sequences, known, strict=True):
                if earlier != sequence:
                    self._further.setdefault(prefix, []).append(sequence)

    def _remove_prefix(self, prefix: bytes, sequence: int) -> None:
        further = self._further.get(prefix)
        if further is None:
            del self._sequences[prefix]
            return
        if self._sequences[prefix] == sequence:
            self._sequences[prefix] = further.pop()
        else:
            further.remove(sequence)
        if not further:
            del self._further[prefix]

    def _remove_posting(self, address: str, sequence: int) -> None:
        posting = self._postings[address]
        gone = self._gone.setdefault(address, set())
        gone.add(sequence)
        if len(gone) * GONE_SHARE < len(posting):
            return
        del self._gone[address]
        left = array(_UNSIGNED_64, [sequence for sequence in posting if sequence not in gone])
        if left:
            self._postings[address] = left
        else:
            del self._postings[address]


class Calendar:
    """Which stretches of the journal have something to sweep, by the minute: 8 bytes for each stretch."""

    def __init__(self) -> None:
        self._stretches: dict[int, array[int]] = {}
        self._minutes: list[int] = []

    def put(self, first: int, expires: int) -> None:
        """The stretch that begins with `first` is due in the first full minute that is not before `expires`."""
        minute = -(-expires // MINUTE_MS)
        stretches = self._stretches.get(minute)
        if stretches is None:
            stretches = self._stretches[minute] = array(_UNSIGNED_64)
            heapq.heappush(self._minutes, minute)
        stretches.append(first)

    def take(self, now: int) -> int | None:
        """Take a stretch that is due off the calendar, of the earliest minute the newest; None if none is due."""
        while self._minutes and self._minutes[0] * MINUTE_MS <= now:
            stretches = self._stretches[self._minutes[0]]
            if stretches:
                return stretches.pop()
            del self._stretches[heapq.heappop(self._minutes)]
        return None


def _beyond(posting: array[int], gone: Container[int], after: int) -> Iterator[int]:
    for at in range(bisect_right(posting, after), len(posting)):
        sequence = posting[at]
        if sequence not in gone:
            yield sequence
