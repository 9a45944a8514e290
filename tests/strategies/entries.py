"""Entries for a store: bytes as long as a statement, with the id that the store computes from them."""

from __future__ import annotations

from hashlib import shake_128

from hypothesis import strategies as st

from byway.protocol.limits import MINUTE_MS
from byway.protocol.statement import MIN_STATEMENT_BYTES, Kind, statement_id
from byway.store.store import Entry

ADDRESSES = ["urn:byway:topic:open:homes", "urn:byway:topic:open:food", "urn:byway:topic:open:food:eggs", ""]


def make_entry(
    number: int,
    *,
    address: str = ADDRESSES[0],
    kind: Kind = Kind.CAST,
    expires: int = 1_000 * MINUTE_MS,
    size: int = 600,
) -> Entry:
    """The entry with this number: the same number gives the same bytes, another number others."""
    data = shake_128(number.to_bytes(8, "big")).digest(size)
    return Entry(data, statement_id(data), kind, address, expires)


# Number is drawn from few, so that some statement comes twice; the store is told, and does not judge.
entries = st.builds(
    make_entry,
    st.integers(0, 200),
    address=st.sampled_from(ADDRESSES),
    kind=st.sampled_from([Kind.CAST, Kind.CLOSE, Kind.MAILBOX, Kind.ACKNOWLEDGEMENT]),
    expires=st.integers(1, 12).map(lambda minutes: minutes * MINUTE_MS),
    size=st.sampled_from([MIN_STATEMENT_BYTES, 600, 5_000]),
)
