"""Statements of every kind, their bodies as they are on the wire, and the names and keys in them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from nacl.signing import SigningKey

from byway.protocol.limits import MAX_INTEGER, MAX_MAILBOX_BYTES, MAX_SERIAL, MAX_TIME_MS, MAX_TTL_S
from byway.protocol.statement import LONGEST_LIFETIME_MS, Kind, Statement, make_statement
from byway.protocol.urn import mailbox_urn, node_urn
from tests.strategies.canonical import texts, values
from tests.strategies.facets import facet_maps
from tests.strategies.topics import segments, topics

Wire = dict[str, Any]

keys = st.binary(min_size=32, max_size=32).map(SigningKey)
digests = st.binary(min_size=32, max_size=32)
counts = st.integers(0, MAX_INTEGER)
ordinals = st.integers(1, MAX_INTEGER)
serials = st.integers(1, MAX_SERIAL)

topic_urns = topics(max_segments=4).map(lambda topic: topic.urn)
terms_urns = st.builds("urn:byway:terms:{}:{}".format, st.sampled_from(["myterms", "caf%C3%A9"]), segments)
node_urns = digests.map(node_urn)
mailbox_urns = digests.map(mailbox_urn)

facets = facet_maps().map(lambda named: {name: facet.wire() for name, facet in named.items()})
maps = st.dictionaries(texts, values(max_leaves=4), max_size=4)
reply_keys = st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=40)).map(list), min_size=1, max_size=4)
addresses = st.sampled_from(["router.example:4433", "192.0.2.7:1", "[2001:db8::1]:65535"])


def _fields(needed: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Wire]:
    return st.fixed_dictionaries(needed, optional=optional)


_record = {"serial": serials, "ttl": st.integers(1, MAX_TTL_S)}
_label = st.text(st.characters(exclude_categories=["Cs"]), max_size=16)

BODIES: dict[Kind, st.SearchStrategy[Wire]] = {
    Kind.CAST: _fields(
        {
            "to": topic_urns,
            "facets": facets,
            "demand": maps,
            "reply": reply_keys,
            "authority": node_urns,
            "offers": st.integers(1, 1000),
            "terms": st.lists(terms_urns, max_size=8),
        },
        pad=st.integers(0, 300).map(bytes),
    ),
    Kind.CLOSE: _fields({"cast": digests, "to": topic_urns, "until": st.integers(1, MAX_TIME_MS)}),
    Kind.SEALED: _fields(
        {
            "to": mailbox_urns,
            "cast": digests,
            "serial": serials,
            "suite": st.just(1),
            "key": digests,
            "commit": digests,
            "nonce": st.binary(min_size=24, max_size=24),
            "box": st.binary(max_size=100) | st.just(bytes(16_400)),
        }
    ),
    Kind.MAILBOX: _fields(
        {"at": node_urns, "messages": st.integers(1, 1000), "bytes": st.integers(1, MAX_MAILBOX_BYTES)}
    ),
    Kind.HEAD: _fields(
        {
            "journal": counts,
            "chain": st.binary(min_size=16, max_size=16),
            "first": ordinals,
            "count": ordinals,
            "root": digests,
            "size": ordinals,
            "tree": digests,
            "durable": st.just("sqlite-wal-full"),
        },
        previous=digests,
    ),
    Kind.ACKNOWLEDGEMENT: st.builds(
        lambda body, ends: body | {"after": min(ends), "through": max(ends)},
        _fields(
            {
                "router": node_urns,
                "sub": st.text("abc-ü", min_size=1, max_size=30),
                "epoch": counts,
                "journal": counts,
                "digest": digests,
                "refused": st.lists(st.tuples(ordinals, st.just("bad-facet")).map(list), max_size=3),
            }
        ),
        st.tuples(counts, counts),
    ),
    Kind.RECORD: _fields(
        _record
        | {
            "name": node_urns,
            "role": st.sampled_from(["router", "addressing", "messaging"]),
            "addresses": st.lists(addresses, min_size=1, max_size=8),
        },
        label=_label,
    )
    | _fields(
        _record
        | {
            "name": topic_urns.filter(lambda urn: ":open:" not in urn),
            "homes": st.lists(node_urns, min_size=1, max_size=8),
            "messaging": node_urns,
        },
        terms=st.lists(terms_urns, max_size=8),
        label=_label,
    ),
    Kind.AGREEMENT: _fields({"offer": st.binary(min_size=1, max_size=300)}, terms=terms_urns, roster=digests),
    Kind.HELLO: _fields(
        {
            "role": st.sampled_from(["client", "server"]),
            "versions": st.lists(st.lists(st.integers(0, 300), max_size=3), min_size=2, max_size=2),
            "nonces": st.lists(st.binary(min_size=16, max_size=16), min_size=2, max_size=2),
            "nodes": st.lists(node_urns, min_size=2, max_size=2),
            "tls": digests,
        }
    ),
    Kind.OFFER: _fields(
        {
            "cast": digests,
            "reply_key": digests,
            "outer": digests,
            "serial": serials,
            "reply": reply_keys,
            "offer": maps,
        },
        price=st.just(["money", "EUR", 350, 350]),
        terms=terms_urns,
    ),
    Kind.DECLINE: _fields({"offer": digests, "reason": st.sampled_from(["price", "place", "chosen-another"])}),
}


@st.composite
def statements(draw: st.DrawFn, *kinds: Kind) -> Statement:
    """A signed statement of one of `kinds`, or of any kind that has a body.

    A record is not always signed by the key that its name belongs to.
    """
    kind = draw(st.sampled_from(kinds or tuple(BODIES)))
    body = draw(BODIES[kind])
    created = draw(st.integers(0, MAX_TIME_MS - 1))
    lifetime = draw(st.integers(1, min(LONGEST_LIFETIME_MS[kind], MAX_TIME_MS - created)))
    return make_statement(draw(keys), kind, body, created=created, expires=created + lifetime)
