"""Whose store it is, and which chain of heads it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import apsw

from byway.errors import StoreError
from byway.protocol.limits import MAX_INTEGER
from byway.store.check import key_of
from byway.store.sqlite.database import Database

CHAIN_BYTES: Final = 16

_META: Final = "SELECT name, CAST(value AS BLOB) FROM meta"  # one changed bit can make a text of a blob
_PUT: Final = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_CHECK: Final = "check"  # stores of earlier versions have none until something of them changes
_ALWAYS: Final = frozenset({"node", "chain"})
_LENGTHS: Final = {"node": (32,), "chain": (CHAIN_BYTES,), "begins": (8,), "previous": (0, 32), _CHECK: (4,)}


class Meta(NamedTuple):
    """The facts about a store itself."""

    node: bytes
    """The first key of the node that it belongs to."""
    chain: bytes
    """What names its chain of heads."""
    begins: int = 1
    """The first sequence that may be in this chain."""
    previous: bytes | None = None
    """The id of the last head before this chain, None if it is the first."""


def load_meta(database: Database, node_key: bytes, random: Callable[[int], bytes]) -> Meta:
    """What the store says of itself.  A new one belongs to `node_key` from then on.

    Raises `StoreError` (`store-damaged`) if it does not say whose it is.
    """
    stored: dict[str, bytes] = dict(database.query(_META))
    if not stored:
        meta = Meta(node_key, random(CHAIN_BYTES))
        database.transact(lambda connection: _put(connection, {"node": meta.node, "chain": meta.chain}))
        return meta
    if _is_whole(stored):
        begins = int.from_bytes(stored.get("begins", b"\1"))
        if 1 <= begins <= MAX_INTEGER:
            return Meta(stored["node"], stored["chain"], begins, stored.get("previous") or None)
    raise StoreError("the store does not say whose it is", code="store-damaged", next_step="restore the last backup")


def _is_whole(stored: Mapping[str, bytes | None]) -> bool:
    return (
        _ALWAYS <= stored.keys() <= _LENGTHS.keys()
        and all(value is not None and len(value) in _LENGTHS[name] for name, value in stored.items())
        and stored.get(_CHECK) in {None, _check_of(stored)}
    )


def _check_of(stored: Mapping[str, bytes | None]) -> bytes:
    facts = sorted((name, value) for name, value in stored.items() if name != _CHECK)
    return key_of(facts).to_bytes(4)


def put_chain(database: Database, meta: Meta) -> None:
    """Make the chain in `meta` the one of the store, durably."""
    changed = {"chain": meta.chain, "begins": meta.begins.to_bytes(8), "previous": meta.previous or b""}
    database.transact(lambda connection: _put(connection, changed))


def _put(connection: apsw.Connection, facts: dict[str, bytes]) -> None:
    connection.executemany(_PUT, facts.items())
    connection.execute(_PUT, (_CHECK, _check_of(dict(connection.execute(_META)))))
