"""The golden vectors of what people and sellers sign: casts, closes, mailboxes, seals, offers and the answers."""

from __future__ import annotations

from typing import Any

from byway.protocol import canonical
from byway.protocol.intentcast import pad_to_class
from byway.protocol.limits import MINUTE_MS
from byway.protocol.seal import Sealed
from byway.protocol.statement import Kind, Statement
from byway.protocol.urn import mailbox_urn, node_urn
from tests.vectors.cases import BAD, Changes, bodies, changed, faults
from tests.vectors.example_deal import (
    AGREEMENT,
    AUTHORITY,
    BUYER,
    CAST,
    CLOSE,
    DECLINE,
    EPHEMERAL,
    MAILBOX,
    NONCE,
    OFFER,
    OTHER,
    OUTER,
    REPLY_KEY,
    REPLY_SECRET,
    ROUTER,
    SELLER,
    TERMS,
    the_cast,
    the_offer,
    the_seal,
)
from tests.vectors.notation import (
    HOUR,
    NOW,
    Vector,
    damaged,
    flipped,
    key,
    make,
    public,
    valid,
)

DAY = 24 * HOUR


def cast() -> Vector:
    soon, later = NOW + 123_456, NOW + 37 * MINUTE_MS
    made = [("", soon, 7 * DAY), ("", soon, 30 * DAY), ("", soon, 1), (", off the hour", later, 30 * DAY)]
    return {
        "about": "The cast, section 4.1.  `made` was made at `now` to live for `lifetime`: rounded, and padded.  "
        "`sizes` says how many bytes of `pad` (null: no `pad`) a map with the one key `demand`, of `bare` bytes in "
        "canonical form, gets to be `body` bytes long.",
        "made": [
            valid(f"for {lifetime // HOUR} hours{when}", BUYER, the_cast(now, lifetime), now=now, lifetime=lifetime)
            for when, now, lifetime in made
        ],
        "sizes": [size(bare) for bare in (100, 761, 762, 763, 1017, 1018, 1019, 1023, 1024, 1025, 16_378)],
        "valid": bodies(
            BUYER,
            Kind.CAST,
            CAST,
            ("no facets, no demand, no terms", {"facets": {}, "demand": {}, "terms": []}),
            ("four reply keys of suites to come", {"reply": [[7, b""], [2, b"k" * 1216], [1, REPLY_KEY], [1, b"x"]]}),
            ("padding of no size class", {"pad": bytes(3)}),
            ("a demand that says anything", {"demand": {"!x": {"!y": None}, "": [1, b"2", {"3": False}]}}),
        ),
        "refused": faults(
            BUYER,
            Kind.CAST,
            CAST,
            ("to is no topic", {"to": node_urn(public(ROUTER))}, "bad-urn"),
            ("to in another spelling", {"to": "urn:byway:topic:open:Homes"}, "bad-urn"),
            ("to is bytes", {"to": CAST["to"].encode()}, BAD),
            ("facets are an array", {"facets": []}, BAD),
            ("65 facets", {"facets": {f"f{n}": ["integer", n, n] for n in range(65)}}, BAD),
            ("the name of a facet", {"facets": {"Price": ["integer", 1, 1]}}, BAD),
            ("a facet upside down", {"facets": {"price": ["integer", 2, 1]}}, "bad-facet"),
            ("a critical facet", {"facets": {"!price": ["integer", 1, 1]}}, "unknown-critical-key"),
            ("no reply key", {"reply": []}, BAD),
            ("five reply keys", {"reply": CAST["reply"] * 5}, BAD),
            ("a reply key without a suite", {"reply": [[REPLY_KEY]]}, BAD),
            ("a suite that is text", {"reply": [["1", REPLY_KEY]]}, BAD),
            ("authority is a mailbox", {"authority": mailbox_urn(public(AUTHORITY))}, "bad-urn"),
            ("offers 0", {"offers": 0}, BAD),
            ("offers 1,001", {"offers": 1001}, BAD),
            ("offers true", {"offers": True}, BAD),
            ("nine terms", {"terms": [TERMS] * 9}, BAD),
            ("terms that are none", {"terms": ["sd-base"]}, "bad-urn"),
            ("padding that says something", {"pad": b"\0\1"}, BAD),
            ("first fault first", {"to": "here", "offers": 0}, "bad-urn"),
            ("first fault first, the other way", {"facets": 0, "terms": ["sd-base"]}, BAD),
        ),
    }


def size(bare: int) -> Vector:
    """How a body of `bare` bytes without `pad` is padded: to how many bytes, with how many in `pad`."""
    overhead = len(canonical.encode({"demand": bytes(1000)})) - 1000
    body: Changes = {"demand": bytes(bare - overhead + (bare < overhead + 255))}  # the shorter form of bytes
    assert len(canonical.encode(body)) == bare
    padded = pad_to_class(body)
    return {"bare": bare, "pad": len(padded["pad"]) if "pad" in padded else None, "body": len(canonical.encode(padded))}


def close() -> Vector:
    good = make(BUYER, Kind.CLOSE, CLOSE)
    wrong = [
        ("another key", make(OTHER, Kind.CLOSE, CLOSE), "wrong-signer"),
        ("another cast", make(BUYER, Kind.CLOSE, CLOSE | {"cast": bytes(32)}), BAD),
        ("another topic", make(BUYER, Kind.CLOSE, CLOSE | {"to": "urn:byway:topic:open:homes"}), BAD),
        ("another end", make(BUYER, Kind.CLOSE, CLOSE | {"until": CLOSE["until"] + 1}), BAD),
    ]
    return {
        "about": "The close, section 4.2.  `checks` says whether a close, good in itself, closes that cast.",
        "valid": bodies(BUYER, Kind.CLOSE, CLOSE),
        "refused": faults(
            BUYER,
            Kind.CLOSE,
            CLOSE,
            ("cast too short", {"cast": bytes(31)}, BAD),
            ("to is no topic", {"to": "homes"}, "bad-urn"),
            ("until is text", {"until": "tomorrow"}, BAD),
        ),
        "checks": [
            {"name": name, "close": each.data.hex(), "cast": the_cast().data.hex(), "code": code}
            for name, each, code in [("good", good, None), *wrong]
        ],
    }


def mailbox() -> Vector:
    return {
        "about": "The mailbox, section 4.3.",
        "valid": bodies(BUYER, Kind.MAILBOX, MAILBOX, ("the most", {"messages": 1000, "bytes": 16_777_216})),
        "refused": faults(
            BUYER,
            Kind.MAILBOX,
            MAILBOX,
            ("at is no node", {"at": mailbox_urn(public(AUTHORITY))}, "bad-urn"),
            ("messages 0", {"messages": 0}, BAD),
            ("messages 1,001", {"messages": 1001}, BAD),
            ("bytes 0", {"bytes": 0}, BAD),
            ("bytes 16,777,217", {"bytes": 16_777_217}, BAD),
        ),
    }


def sealed() -> Vector:
    whole = Sealed.from_statement(the_seal()).wire()
    inners = [
        ("an offer", the_offer()),
        ("a decline", make(BUYER, Kind.DECLINE, DECLINE)),
        ("a larger offer", the_offer(offer={"@type": "Offer", "description": "x" * 900})),
    ]
    not_opened = [
        ("another secret", the_seal(), b"\x23" * 32),
        ("moved to another cast", resealed(cast=bytes(32)), REPLY_SECRET),
        ("another commitment", resealed(commit=flipped(whole["commit"], 0)), REPLY_SECRET),
        ("a bit of the nonce", resealed(nonce=flipped(whole["nonce"], 0)), REPLY_SECRET),
        ("a bit of the tag", resealed(box=flipped(whole["box"], -1)), REPLY_SECRET),
        ("cut", resealed(box=whole["box"][:-1]), REPLY_SECRET),
        ("empty", resealed(box=b""), REPLY_SECRET),
        ("an ephemeral key of zeros", resealed(key=bytes(32)), REPLY_SECRET),
        ("an ephemeral key of order 8", resealed(key=ORDER_8), REPLY_SECRET),
    ]
    return {
        "about": "The sealed statement, sections 4.4 and 6.  `seals` has every input; the signer has the seed `seed`.",
        "seals": [
            valid(
                name,
                OUTER,
                the_seal(inner),
                inner=inner.data.hex(),
                reply_secret=REPLY_SECRET.hex(),
                reply_key=REPLY_KEY.hex(),
                ephemeral_secret=EPHEMERAL.hex(),
                nonce=NONCE.hex(),
            )
            for name, inner in inners
        ],
        "not_opened": [
            {"name": name, "reply_secret": secret.hex(), "code": "bad-seal", "bytes": each.data.hex()}
            for name, each, secret in not_opened
        ],
        "bad_reply_keys": [
            found.hex() for found in (b"", bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31), ORDER_8)
        ],
        "valid": bodies(OUTER, Kind.SEALED, whole, ("a serial of 2^53", {"serial": 2**53})),
        "refused": faults(
            OUTER,
            Kind.SEALED,
            whole,
            ("to is a node", {"to": node_urn(public(BUYER))}, "bad-urn"),
            ("serial 0", {"serial": 0}, BAD),
            ("serial over 2^53", {"serial": 2**53 + 1}, BAD),
            ("suite 2", {"suite": 2}, "unknown-suite"),
            ("suite 2, and a key that suite 1 could not have", {"suite": 2, "key": b""}, "unknown-suite"),
            ("a key of 31 bytes", {"key": bytes(31)}, BAD),
            ("a nonce of 12 bytes", {"nonce": bytes(12)}, BAD),
            ("a box over the largest class", {"box": bytes(16_401)}, BAD),
        ),
    }


ORDER_8 = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")


def resealed(**changes: Any) -> Statement:
    """What a hostile signer can make of a sealed statement."""
    return make(OUTER, Kind.SEALED, Sealed.from_statement(the_seal()).wire() | changes)


def offer() -> Vector:
    elsewhere = the_cast(offers=1)
    checks = [
        ("good", the_offer(), the_seal(), the_cast(), REPLY_KEY, None),
        ("for another cast", the_offer(), the_seal(), elsewhere, REPLY_KEY, "bad-offer"),
        ("in a seal for another cast", the_offer(), the_seal(cast=elsewhere.id), the_cast(), REPLY_KEY, "bad-offer"),
        ("sealed to another key", the_offer(), the_seal(), the_cast(), bytes(32), "bad-offer"),
        ("sealed by another key", the_offer(), the_seal(outer_key=key(OTHER)), the_cast(), REPLY_KEY, "bad-offer"),
        ("another serial", the_offer(), the_seal(serial=4), the_cast(), REPLY_KEY, "bad-offer"),
        ("terms not proffered", the_offer(terms=f"{TERMS}-2"), the_seal(), the_cast(), REPLY_KEY, "bad-offer"),
    ]
    return {
        "about": "The offer, section 4.5.  `checks` says whether an offer, good in itself, belongs to what it came in.",
        "valid": bodies(
            SELLER,
            Kind.OFFER,
            OFFER,
            ("no price and no terms", {"price": ..., "terms": ...}),
            ("a price from and to", {"price": ["money", "USD", 1, 2]}),
        ),
        "refused": faults(
            SELLER,
            Kind.OFFER,
            OFFER,
            ("a price without an end", {"price": ["money", "USD", 1, None]}, BAD),
            ("a price that is no money", {"price": ["integer", 1, 1]}, BAD),
            ("a price that is no facet", {"price": 1}, "bad-facet"),
            ("a currency in small letters", {"price": ["money", "usd", 1, 1]}, "bad-facet"),
            ("no reply key", {"reply": []}, BAD),
            ("terms that are none", {"terms": "sd-base"}, "bad-urn"),
        ),
        "checks": [
            {
                "name": name,
                "offer": each.data.hex(),
                "sealed": outside.data.hex(),
                "cast": answered.data.hex(),
                "reply_key": reply_key.hex(),
                "code": code,
            }
            for name, each, outside, answered, reply_key, code in checks
        ],
    }


def agreement() -> Vector:
    def holding(held: bytes, **changes: Any) -> Statement:
        return make(BUYER, Kind.AGREEMENT, AGREEMENT | {"offer": held} | changes)

    good, no_terms = make(BUYER, Kind.AGREEMENT, AGREEMENT), changed(OFFER, {"terms": ...})
    bare = make(BUYER, Kind.AGREEMENT, {"offer": make(SELLER, Kind.OFFER, no_terms).data})
    checks = [
        ("good", good, the_cast(), None),
        ("without terms", bare, the_cast(), None),
        ("by another key", make(OTHER, Kind.AGREEMENT, AGREEMENT), the_cast(), "wrong-signer"),
        ("about another cast", good, the_cast(offers=1), "bad-offer"),
        ("other terms than the offer", holding(the_offer().data, terms=f"{TERMS}-2"), the_cast(), "bad-offer"),
        ("holds a cast", holding(the_cast().data), the_cast(), "bad-offer"),
        ("holds an offer that is not signed", holding(damaged(the_offer()).data), the_cast(), "bad-signature"),
        ("holds no statement", holding(b"offer"), the_cast(), "malformed"),
    ]
    return {
        "about": "The agreement, section 4.6.  `checks` says whether an agreement, good in itself, is on that cast.",
        "valid": bodies(BUYER, Kind.AGREEMENT, AGREEMENT),
        "refused": faults(
            BUYER,
            Kind.AGREEMENT,
            AGREEMENT,
            ("terms that are none", {"terms": "sd-base"}, "bad-urn"),
            ("a roster of 31 bytes", {"roster": bytes(31)}, BAD),
        ),
        "checks": [
            {"name": name, "agreement": each.data.hex(), "cast": answered.data.hex(), "code": code}
            for name, each, answered, code in checks
        ],
    }


def decline() -> Vector:
    reasons = ["price", "place", "time", "terms", "chosen-another", "other"]
    return {
        "about": "The decline, section 4.7.",
        "valid": bodies(BUYER, Kind.DECLINE, DECLINE, *((f"reason {each}", {"reason": each}) for each in reasons)),
        "refused": faults(
            BUYER,
            Kind.DECLINE,
            DECLINE,
            ("an offer of 31 bytes", {"offer": bytes(31)}, BAD),
            ("no such reason", {"reason": "because"}, BAD),
            ("a reason in capitals", {"reason": "Price"}, BAD),
        ),
    }
