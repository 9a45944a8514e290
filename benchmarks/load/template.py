"""Casts as people make them, but fast: one for each topic, and the others differ in key and wish."""

from __future__ import annotations

from typing import Final, NamedTuple, Self

from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.protocol.facets import parse_facets
from byway.protocol.intentcast import make_cast
from byway.protocol.limits import DAY_MS
from byway.protocol.statement import SIGNATURE_BYTES
from byway.protocol.urn import node_urn

_SIGNER: Final = slice(4, 36)
_NUMBER: Final = b"000000000000"


class CastTemplate(NamedTuple):
    """The bytes of a cast around its signer and the number of its wish, without its signature."""

    address: str
    kind: int
    expires: int
    before: bytes
    between: bytes
    after: bytes

    @classmethod
    def to(cls, topic: str) -> Self:
        """Of a cast to `topic` that is valid for a day from now."""
        cast = make_cast(
            SigningKey.generate(),
            to=topic,
            facets=parse_facets({"beds": ["integer", 2, None], "price": ["money", "USD", None, 80_000_000]}),
            demand={"@type": "Demand", "name": f"a home, wish {_NUMBER.decode()}"},
            reply=[(1, bytes([1]) * 32)],
            authority=node_urn(bytes(SigningKey(bytes(32)).verify_key)),
            offers=25,
            terms=[],
            now_ms=now_ms(),
            lifetime_ms=DAY_MS,
        )
        before, number, after = cast.data[:-SIGNATURE_BYTES].partition(_NUMBER)
        if len(number) != len(_NUMBER):
            raise AssertionError("the cast does not have its number")
        return cls(topic, cast.kind, cast.expires, before[: _SIGNER.start], before[_SIGNER.stop :], after)

    def unsigned(self, signer: bytes, number: int) -> bytes:
        """Header and body of the cast by `signer` with this wish: of the same length for all."""
        return b"%b%b%b%012d%b" % (self.before, signer, self.between, number, self.after)
