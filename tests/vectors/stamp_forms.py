"""Golden vectors of stamps: what a nonce is worth at a node, beside a statement."""

from __future__ import annotations

from byway.protocol.stamp import WORK, Stamp, bits_of, mint
from byway.protocol.statement import Kind
from tests.vectors.notation import Vector, make, public

ABOUT = (
    "Stamps, section 8.8: `bits` is what a stamp of kind 1 with this nonce is worth at `node`, beside the statement "
    "with this id.  `worthless` are stamps of other kinds."
)
PLENTY = 1 << 20
BITS = (0, 7, 9, 12, 16)


def stamp() -> Vector:
    node, other_node = public(4), public(5)
    one, another = (make(1, Kind.DECLINE, {"offer": bytes(32), "reason": reason}).id for reason in ("price", "place"))
    made = [mint(node, one, bits, start=0, tries=PLENTY) for bits in BITS]
    best = made[-1] or Stamp(WORK, bytes(8))
    last = mint(node, one, 4, start=(1 << 64) - 1, tries=PLENTY)  # past the last nonce
    places = [
        *((f"at least {bits} bits", node, one, found) for bits, found in zip(BITS, made, strict=True)),
        ("at another node", other_node, one, best),
        ("beside another statement", node, another, best),
        ("after the last nonce", node, one, last),
    ]
    return {
        "about": ABOUT,
        "work": [
            {
                "name": name,
                "node": at.hex(),
                "id": beside.hex(),
                "nonce": found.value.hex(),
                "bits": bits_of(found, at, beside),
            }
            for name, at, beside, found in places
            if found is not None
        ],
        "worthless": [
            {"name": "a kind that is not known", "node": node.hex(), "id": one.hex(), "kind": 2, "value": "00"},
            {
                "name": "a nonce of another kind",
                "node": node.hex(),
                "id": one.hex(),
                "kind": 3,
                "value": best.value.hex(),
            },
        ],
    }
