"""Frames of every kind, as either end may make them; and the values that msgpack can carry."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from byway.protocol.frames import (
    Accepted,
    Ack,
    Acked,
    Answer,
    Bye,
    Credit,
    Deliver,
    Ended,
    Entry,
    Frame,
    Hello,
    Ping,
    Pong,
    Proof,
    Refusal,
    Refused,
    Resolve,
    Stamps,
    Start,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.limits import MAX_INTEGER, MAX_STAMP_BITS
from byway.protocol.stamp import WORK, Stamp

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
counts = st.integers(0, MAX_INTEGER)
sequences = st.integers(1, MAX_INTEGER)
subs = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=16)
codes = st.sampled_from(["busy", "expired", "not-yours", "a-code-of-the-future"])
statements = st.binary(max_size=300)
waits = st.none() | counts
stamps = st.builds(Stamp, st.just(WORK), st.binary(min_size=8, max_size=8)) | st.builds(
    Stamp, st.integers(2, MAX_INTEGER), st.binary(min_size=1, max_size=256)
)

# Msgpack has more than a frame may hold: floats, extension types, keys that are no text.
packable: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | texts | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | st.integers(0, 9), inner, max_size=3),
    max_leaves=10,
)
filters: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), MAX_INTEGER) | texts | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def _tuples(inner: st.SearchStrategy[Any], low: int = 0, high: int = 4) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(inner, min_size=low, max_size=high).map(tuple)


_hashes = st.binary(min_size=32, max_size=32)
_proofs = st.builds(Proof, st.just(0), sequences, _tuples(_hashes))
_refusals = st.builds(Refusal, codes, texts, waits)


@st.composite
def _delivers(draw: st.DrawFn) -> Deliver:
    listed = sorted(draw(st.sets(sequences, max_size=4)))
    through = draw(st.integers(listed[-1] if listed else 0, MAX_INTEGER))
    entries = tuple(Entry(sequence, draw(statements)) for sequence in listed)
    return Deliver(draw(subs), draw(counts), draw(counts), through, entries)


FRAMES: dict[type[Frame], st.SearchStrategy[Frame]] = {
    Start: st.builds(Start, _tuples(counts, 1), texts, st.binary(min_size=16, max_size=16)),
    Hello: st.builds(Hello, statements),
    Submit: st.builds(Submit, counts, _tuples(st.tuples(statements, st.none() | stamps), 1)),
    Accepted: st.builds(Accepted, counts, _tuples(statements, 1), _tuples(_proofs | _refusals, 1)),
    Subscribe: st.builds(
        Subscribe,
        subs,
        texts,
        filters,
        st.sampled_from(["all", "own"]),
        st.sampled_from(["cursor", "now", "oldest"]),
        counts,
    ),
    Subscribed: st.builds(Subscribed, subs, counts, _tuples(st.tuples(counts, counts))),
    Unsubscribe: st.builds(Unsubscribe, subs),
    Ended: st.builds(Ended, subs, codes, texts),
    Deliver: _delivers(),
    Ack: st.builds(Ack, subs, counts, counts, counts, _tuples(sequences), _tuples(st.tuples(sequences, codes))),
    Acked: st.builds(Acked, subs, counts, counts, counts),
    Credit: st.builds(Credit, st.none() | subs, counts),
    Resolve: st.builds(Resolve, counts, texts),
    Answer: st.builds(Answer, counts, _tuples(statements)),
    Refused: st.builds(Refused, counts, st.none() | counts | texts, codes, texts, waits),
    Ping: st.builds(Ping, st.binary(max_size=16)),
    Pong: st.builds(Pong, st.binary(max_size=16)),
    Bye: st.builds(Bye, codes, texts, waits),
    Stamps: st.builds(Stamps, st.integers(0, MAX_STAMP_BITS)),
}

frames = st.one_of(*FRAMES.values())
