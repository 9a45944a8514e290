"""Targets for what a node finds on its disk: leaves, frontiers, the facts about the store, the high-water file."""

from __future__ import annotations

import struct
import tempfile
import zlib
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import Final

import apsw

from byway.clock import Uptime
from byway.errors import StatementError, StoreError
from byway.protocol import canonical
from byway.protocol.limits import MAX_BODY_BYTES, MAX_INTEGER
from byway.protocol.merkle import HASH_BYTES, Frontier, leaf
from byway.store.high_water import SLOT_BYTES, HighWaterFile, Mark
from byway.store.leaves import ID_BYTES, Leaves
from byway.store.sqlite.database import Database
from byway.store.sqlite.meta import CHAIN_BYTES, load_meta
from tests.fuzz.verdicts import Target, taken

_KEY: Final = b"n" * 32
FORMS: Final = {b"byway h2": struct.Struct(">8sQ16sQQq16sQ"), b"byway hw": struct.Struct(">8sQ16sQQq")}
MARK: Final = Mark(b"c" * 16, 7, 71, 1_800_000_000_000, Uptime(b"b" * 16, 500))


def leaves(data: bytes) -> None:
    """What a stretch of the journal holds.  What is read can be asked for, and packed again."""
    parsed, _ = taken(partial(Leaves.from_bytes, data), "store-damaged", error=StoreError)
    if parsed is not None:
        assert Leaves.from_bytes(parsed.to_bytes()) == parsed
        assert Leaves.joined([parsed, parsed]).kinds == 2 * parsed.kinds
        offsets = range(len(parsed.kinds))
        assert {len(parsed.id_at(offset)) for offset in offsets} == {ID_BYTES}
        assert all(parsed.addresses[place] is not None for place in parsed.places)
        assert list(parsed.expiring_after(parsed.soonest(offsets) - 1)) == list(offsets)


def frontier(data: bytes) -> None:
    """What the next head's tree grows from."""
    parsed, _ = taken(partial(Frontier.from_bytes, data), "malformed")
    if parsed is not None:
        assert parsed.to_bytes() == data
        before = parsed.root()
        parsed.append(leaf(1, bytes(HASH_BYTES)))
        assert len(parsed.root()) == len(before) == HASH_BYTES
        assert parsed.root() != before


def meta(data: bytes) -> None:
    """Whose the store is: any names and values, as a damaged page may give them."""
    try:
        facts = canonical.decode(data, max_bytes=MAX_BODY_BYTES)
    except StatementError:
        return
    with closing(apsw.Connection(":memory:")) as connection:
        connection.execute("CREATE TABLE meta (name PRIMARY KEY, value)")
        for name, value in facts.items() if isinstance(facts, dict) else ():
            stored = None if isinstance(value, list | dict) else value
            connection.execute("INSERT INTO meta VALUES (?, ?)", (name, stored))
        database = Database(connection)
        found, _ = taken(partial(load_meta, database, _KEY, bytes), "store-damaged", error=StoreError)
        if found is not None:
            assert (len(found.node), len(found.chain)) == (len(_KEY), CHAIN_BYTES)
            assert 1 <= found.begins <= MAX_INTEGER
            assert found.previous is None or len(found.previous) == HASH_BYTES


def high_water(data: bytes) -> None:
    """Any file, and the same with checks that are right: it says how far a node got, or nothing, and is written on."""
    path = _folder() / "high-water"
    for content in (data, _checked(data)):
        path.write_bytes(content)
        with closing(HighWaterFile(path)) as file:
            if file.found is not None:
                assert len(file.found.chain) == CHAIN_BYTES
            file.write(MARK)
        with closing(HighWaterFile(path)) as again:
            assert again.found == MARK


def _checked(data: bytes) -> bytes:
    """The marks in these two slots, with the checks that belong to them.  No node lives to write 2^56 of them."""
    slots = [bytearray(data[at : at + SLOT_BYTES]) for at in (0, SLOT_BYTES)]
    for slot in slots:
        if form := FORMS.get(bytes(slot[:8])):
            slot[8:9] = b"\0"
            slot[form.size : form.size + 4] = zlib.crc32(slot[: form.size]).to_bytes(4, "big")
    return bytes(slots[0]).ljust(SLOT_BYTES, b"\0") + slots[1] if slots[1] else bytes(slots[0])


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="byway-fuzz-"))


TARGETS: Final[dict[str, Target]] = {
    "leaves": leaves,
    "frontier": frontier,
    "meta": meta,
    "high-water": high_water,
}
