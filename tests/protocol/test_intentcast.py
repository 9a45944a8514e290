"""The intentcast: its bounds, and what making one adds so that two casts of a person do not look alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.facets import parse_facets
from byway.protocol.intentcast import Cast, make_cast, pad_to_class
from byway.protocol.limits import CREATED_STEP_MS, DAY_MS, EXPIRES_STEP_MS, HOUR_MS, MINUTE_MS, SIZE_CLASSES
from byway.protocol.statement import LONGEST_LIFETIME_MS, Kind, Statement
from byway.protocol.urn import node_urn
from tests.strategies import statements as wire

KEY = SigningKey(bytes(range(32)))
NOW = 1_790_000_123_456
FACETS: dict[str, Any] = {"kind": ["text", "condo"], "price": ["money", "USD", None, 80_000_000]}
BODY: dict[str, Any] = {
    "to": "urn:byway:topic:open:homes:boston:condo",
    "facets": FACETS,
    "demand": {"@type": "Demand"},
    "reply": [[1, bytes(32)]],
    "authority": node_urn(bytes(32)),
    "offers": 20,
    "terms": ["urn:byway:terms:myterms:sd-base"],
}


def cast(now_ms: int = NOW, lifetime_ms: int = 7 * DAY_MS, **changes: Any) -> Statement:
    fields = BODY | changes
    facets = parse_facets(fields.pop("facets"))
    return make_cast(KEY, facets=facets, **fields, now_ms=now_ms, lifetime_ms=lifetime_ms)


def code_of(**changes: Any) -> str:
    try:
        Cast.from_wire(BODY | changes)
    except StatementError as refusal:
        return refusal.code
    return ""


def test_a_cast_says_what_it_was_made_of() -> None:
    statement = cast()

    statement.verify()
    made = Cast.from_statement(statement)
    assert made.facets == parse_facets(FACETS)
    assert made.reply == ((1, bytes(32)),)
    assert {name: value for name, value in made.wire().items() if name != "pad"} == BODY


@given(st.integers(DAY_MS, 10**14), st.integers(1, LONGEST_LIFETIME_MS[Kind.CAST]))
def test_the_times_are_rounded_and_within_the_longest_lifetime(now: int, lifetime: int) -> None:
    made = cast(now, lifetime)

    assert made.created % CREATED_STEP_MS == 0
    assert 0 <= now - made.created < CREATED_STEP_MS
    assert made.expires % EXPIRES_STEP_MS == 0
    assert made.expires - made.created <= LONGEST_LIFETIME_MS[Kind.CAST]
    assert now < made.expires < now + lifetime + HOUR_MS
    clamped = made.expires + EXPIRES_STEP_MS - made.created > LONGEST_LIFETIME_MS[Kind.CAST]
    assert made.expires >= now + lifetime or clamped


def test_a_cast_of_thirty_days_ends_at_the_last_hour_that_is_allowed() -> None:
    made = cast(NOW, 30 * DAY_MS)

    assert made.expires == (made.created + 30 * DAY_MS) // HOUR_MS * HOUR_MS


@pytest.mark.parametrize(
    ("lifetime", "code"), [(0, "bad-lifetime"), (-1, "bad-lifetime"), (30 * DAY_MS + 1, "lifetime-too-long")]
)
def test_a_lifetime_that_is_none_is_refused(lifetime: int, code: str) -> None:
    with pytest.raises(StatementError) as refusal:
        cast(lifetime_ms=lifetime)
    assert refusal.value.code == code


def test_casts_of_the_same_ten_minutes_show_the_same_times() -> None:
    start = NOW - NOW % HOUR_MS
    early, late = cast(start, DAY_MS), cast(start + 9 * MINUTE_MS, DAY_MS - 9 * MINUTE_MS)

    assert (early.created, early.expires) == (late.created, late.expires)


@given(wire.BODIES[Kind.CAST])
def test_a_body_is_padded_to_a_size_class_and_means_the_same(body: dict[str, Any]) -> None:
    padded = pad_to_class(body)

    assert len(canonical.encode(padded)) in SIZE_CLASSES
    assert {**padded, "pad": b""} == {**body, "pad": b""}
    assert Cast.from_wire(padded).facets == Cast.from_wire(body).facets
    assert pad_to_class(padded) == padded


@pytest.mark.parametrize("size", SIZE_CLASSES)
def test_every_length_meets_the_first_size_class_that_it_can(size: int) -> None:
    """A body that is 1 to 5 bytes too short for a class has no room for `pad`, one that is 262 bytes too short
    would need a `pad` between its two forms: these take the next larger size.
    """
    overhead = len(canonical.encode({"demand": bytes(1000)})) - 1000
    for missing in (0, 1, 5, 6, 7, 260, 261, 262, 263, 264, 500):
        body: dict[str, Any] = {"demand": bytes(size - overhead - missing)}
        assert len(canonical.encode(body)) == size - missing
        met = missing not in {1, 5, 262}
        if met or size != SIZE_CLASSES[-1]:
            expected = size if met else 2 * size
            assert len(canonical.encode(pad_to_class(body))) == expected
            continue
        with pytest.raises(StatementError) as refusal:
            pad_to_class(body)
        assert refusal.value.code == "too-large"


def test_a_cast_over_the_largest_class_is_refused() -> None:
    with pytest.raises(StatementError) as refusal:
        cast(demand={"text": "x" * SIZE_CLASSES[-1]})
    assert refusal.value.code == "too-large"


def test_a_reader_does_not_insist_on_padding_or_rounding() -> None:
    assert not code_of()
    assert not code_of(pad=bytes(3))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "urn:byway:node:" + "a" * 52}, "bad-urn"),
        ({"to": "urn:byway:topic:open:Homes"}, "bad-urn"),
        ({"to": b"urn:byway:topic:open:homes"}, "bad-body"),
        ({"facets": []}, "bad-body"),
        ({"facets": {"Price": ["integer", 1, 1]}}, "bad-body"),
        ({"facets": {"price": ["integer", 2, 1]}}, "bad-facet"),
        ({"facets": {f"f{n}": ["integer", 1, 1] for n in range(65)}}, "bad-body"),
        ({"facets": {"!price": ["integer", 1, 1]}}, "unknown-critical-key"),
        ({"facets": {" price": ["integer", 1, 1], "!price": ["integer", 1, 1]}}, "unknown-critical-key"),
        ({"demand": []}, "bad-body"),
        ({"reply": []}, "bad-body"),
        ({"reply": [[1, bytes(32)]] * 5}, "bad-body"),
        ({"reply": [[1]]}, "bad-body"),
        ({"reply": [[1, bytes(32), 0]]}, "bad-body"),
        ({"reply": [["1", bytes(32)]]}, "bad-body"),
        ({"reply": [[1, "key"]]}, "bad-body"),
        ({"reply": {}}, "bad-body"),
        ({"authority": "urn:byway:mailbox:" + "a" * 52}, "bad-urn"),
        ({"offers": 0}, "bad-body"),
        ({"offers": 1001}, "bad-body"),
        ({"terms": BODY["terms"] * 9}, "bad-body"),
        ({"terms": ["urn:byway:terms:myterms"]}, "bad-urn"),
        ({"terms": "urn:byway:terms:myterms:sd-base"}, "bad-body"),
        ({"pad": b"\0\1"}, "bad-body"),
        ({"pad": ""}, "bad-body"),
    ],
)
def test_each_fault_of_a_cast_has_its_code(changes: dict[str, Any], code: str) -> None:
    assert code_of(**changes) == code


def test_the_demand_is_free() -> None:
    assert not code_of(demand={"!important": {"!deep": None}, "": [1, b"2", {"3": False}]})


def test_making_a_cast_refuses_what_a_reader_would() -> None:
    with pytest.raises(StatementError) as refusal:
        cast(offers=0)
    assert refusal.value.code == "bad-body"
