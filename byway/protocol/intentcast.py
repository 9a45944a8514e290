"""The intentcast: a wish, published to a topic by a key that was made for it alone (wire-protocol section 4.1).

Nothing that `make_cast` adds links two casts of a person: the times are rounded, and the body is padded to
one of five sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from nacl.signing import SigningKey
from pydantic import AfterValidator, Field, PlainValidator

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.body import (
    Body,
    Maybe,
    NodeUrn,
    ReplyKeys,
    TermsUrns,
    TopicUrn,
    refuse_critical_keys,
    refused,
    validator,
)
from byway.protocol.facets import Facet, parse_facets
from byway.protocol.limits import MAX_OFFERS, SIZE_CLASSES
from byway.protocol.rounded_times import round_times
from byway.protocol.statement import Kind, Statement, make_statement

_MAX_SHORT_PAD: Final = 0xFF  # beyond it the length of `pad` takes one byte more


def _facets(value: object) -> dict[str, Facet]:
    try:
        return parse_facets(value)
    except StatementError:
        if isinstance(value, dict):
            refuse_critical_keys(value)  # comes before every other fault; no facet has such a name
        raise


def _zeros(pad: bytes) -> bytes:
    if pad != bytes(len(pad)):
        raise refused("the padding is not all zero")
    return pad


class Cast(Body):
    """What a cast says.  `demand` is carried and never read; `facets` are what a filter sees."""

    kind = Kind.CAST

    to: TopicUrn
    facets: Annotated[dict[str, Facet], PlainValidator(validator(_facets))]
    demand: dict[str, Any]
    reply: ReplyKeys
    authority: NodeUrn
    offers: Annotated[int, Field(ge=1, le=MAX_OFFERS)]
    terms: TermsUrns
    pad: Maybe[Annotated[bytes, AfterValidator(_zeros)]] = None

    def wire(self) -> dict[str, Any]:
        return super().wire() | {"facets": {name: facet.wire() for name, facet in self.facets.items()}}


def make_cast(
    key: SigningKey,
    *,
    to: str,
    facets: Mapping[str, Facet],
    demand: Mapping[str, Any],
    reply: Sequence[tuple[int, bytes]],
    authority: str,
    offers: int,
    terms: Sequence[str],
    now_ms: int,
    lifetime_ms: int,
) -> Statement:
    """A cast by `key`, which must be used for no other intent; its lifetime counts from `now_ms`, and is rounded.

    Raises `StatementError` if a reader would refuse the cast, or if it is too large for the largest size class.
    """
    created, expires = round_times(Kind.CAST, now_ms=now_ms, lifetime_ms=lifetime_ms)
    cast = Cast.from_wire(
        {
            "to": to,
            "facets": {name: facet.wire() for name, facet in facets.items()},
            "demand": dict(demand),
            "reply": [list(pair) for pair in reply],
            "authority": authority,
            "offers": offers,
            "terms": list(terms),
        }
    )
    return make_statement(key, Kind.CAST, pad_to_class(cast.wire()), created=created, expires=expires)


def pad_to_class(body: dict[str, Any]) -> dict[str, Any]:
    """`body` with the `pad` that makes its canonical form exactly as long as the first size class that can be met.

    Raises `StatementError` (`too-large`) if there is none.
    """
    bare = {name: value for name, value in body.items() if name != "pad"}
    if len(canonical.encode(bare)) in SIZE_CLASSES:
        return bare
    shortest = len(canonical.encode(bare | {"pad": b""}))
    for size in SIZE_CLASSES:
        room = size - shortest
        if room == _MAX_SHORT_PAD + 1 or room < 0:
            continue  # no length of `pad` gives exactly this size
        return bare | {"pad": bytes(room if room <= _MAX_SHORT_PAD else room - 1)}
    raise StatementError(f"{shortest} bytes of a cast are over {SIZE_CLASSES[-1]}", code="too-large")
