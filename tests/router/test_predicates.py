"""Looking up filters finds exactly those that their definition does not call false."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from byway.protocol.facets import Boolean, Facet, Integer, Money, Place, Text, TextSet
from byway.protocol.filter import And, Compare, Filter, Has, In, Known, Near, Not, Or, Value
from byway.protocol.limits import MAX_INTEGER, MAX_METRES, MIN_INTEGER
from byway.router import columns, predicates, terms
from byway.router.conditions import Cast, terms_of
from byway.router.predicates import Predicates
from tests.strategies.facets import facet_maps
from tests.strategies.filters import filters

NAMES = st.sampled_from(["a", "b"])
SMALL = st.integers(0, 3)
LETTERS = st.sampled_from("xyz")
MONEY = st.sampled_from(["USD", "EUR"])

points = st.tuples(
    st.sampled_from([0, 100_000, 89_999_000, 90_000_000, -90_000_000]) | st.integers(-90_000_000, 90_000_000),
    st.sampled_from([0, 100_000, 180_000_000, -180_000_000]) | st.integers(-180_000_000, 180_000_000),
)
metres = st.sampled_from([0, 11_119, 11_120, 10_007_543, 20_015_114, 20_015_115]) | st.integers(0, MAX_METRES)
ordered = SMALL.map(lambda value: Integer(value, value)) | st.builds(lambda c, v: Money(c, v, v), MONEY, SMALL)
plain = LETTERS.map(Text) | st.booleans().map(Boolean)
values: SearchStrategy[Value] = ordered | plain
atoms: SearchStrategy[Filter] = st.one_of(
    st.builds(Known, NAMES),
    st.builds(Has, NAMES, LETTERS),
    st.builds(Compare, st.just("="), NAMES, values),
    st.builds(Compare, st.sampled_from(["<", "<=", ">", ">="]), NAMES, ordered),
    st.builds(In, NAMES, st.lists(values, min_size=1, max_size=3).map(tuple)),
    st.builds(lambda name, at, reach: Near(name, at[0], at[1], reach), NAMES, points, metres),
)


def joined(inner: SearchStrategy[Filter]) -> SearchStrategy[Filter]:
    operands = st.lists(inner, min_size=1, max_size=4).map(tuple)
    return st.builds(And, operands) | st.builds(Or, operands) | st.builds(Not, inner)


dense_filters = st.recursive(atoms, joined, max_leaves=8)
ends = st.tuples(SMALL, SMALL).map(sorted)
open_ends = ends | SMALL.map(lambda low: [low, None]) | SMALL.map(lambda high: [None, high])
dense_facets: SearchStrategy[Facet] = st.one_of(
    open_ends.map(lambda pair: Integer(*pair)),
    st.builds(lambda currency, pair: Money(currency, *pair), MONEY, open_ends),
    plain,
    st.lists(LETTERS, min_size=1).map(TextSet.of),
    st.builds(lambda at, precision: Place(at[0], at[1], precision), points, st.just(0) | metres),
)
dense_casts = st.dictionaries(NAMES, dense_facets)
Change: TypeAlias = tuple[int, Filter]


def changes(made: SearchStrategy[Filter]) -> SearchStrategy[list[Change]]:
    """Filters to add; a number says which of the present ones goes instead, if there is one."""
    return st.lists(st.tuples(st.integers(-20, 9), made), min_size=1, max_size=24)


def check(changed: list[Change], casts: list[dict[str, Facet]], few: int) -> None:
    """Apply the changes with structures so small that every border is met, and compare with the definition."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predicates, "FEW", few)
        patch.setattr(terms, "SLOTS", 8)
        patch.setattr(columns, "STEP", 2)
        looked_up: Predicates[int] = Predicates()
        present: dict[Filter, list[int]] = {}
        for number, (gone, filter_) in enumerate(changed):
            if 0 <= gone < len(present):
                remove(looked_up, present, list(present)[gone])
            else:
                present.setdefault(filter_, []).append(number)
                looked_up.handles(filter_).append(number)
                looked_up.update(filter_)
            for facets in casts:
                found = looked_up.find(Cast(facets))
                wanted = [
                    number
                    for each, numbers in present.items()
                    if each.evaluate(facets) is not False
                    for number in numbers
                ]
                assert sorted(found) == sorted(wanted)
        for filter_ in [each for each, numbers in present.items() for _ in numbers]:
            remove(looked_up, present, filter_)
        held = looked_up._terms
        assert held is None or not any(seg._columns or seg.live or seg._lists for seg in held._segments)
        assert looked_up.work == 0


def remove(looked_up: Predicates[int], present: dict[Filter, list[int]], filter_: Filter) -> None:
    """Take out the last of the handles with this filter."""
    assert looked_up.handles(filter_).pop() == present[filter_].pop()
    if present[filter_]:
        looked_up.update(filter_)
    else:
        del present[filter_]
        assert looked_up.remove(filter_) == (not present)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(changes(dense_filters), st.lists(dense_casts, min_size=1, max_size=4), st.sampled_from([0, 4]))
def test_what_is_looked_up_equals_the_definition(
    changed: list[Change], casts: list[dict[str, Facet]], few: int
) -> None:
    check(changed, casts, few)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(changes(filters()), st.lists(facet_maps(), min_size=1, max_size=3))
def test_every_type_of_facet_and_filter_is_looked_up_right(
    changed: list[Change], casts: list[dict[str, Facet]]
) -> None:
    check(changed, casts, few=0)


@given(st.lists(atoms, min_size=1, max_size=12), st.lists(dense_casts, min_size=1, max_size=4))
def test_conditions_alone_are_looked_up_right_and_so_are_their_opposites(
    made: list[Filter], casts: list[dict[str, Facet]]
) -> None:
    check([(-1, filter_) for filter_ in [*made, *map(Not, made)]], casts, few=0)


@given(points, metres, points, metres)
def test_no_place_on_earth_is_looked_up_wrong(
    centre: tuple[int, int], reach: int, at: tuple[int, int], precision: int
) -> None:
    near = Near("a", *centre, reach)
    check([(-1, near), (-1, Not(near))], [{"a": Place(*at, precision)}], few=0)


@pytest.mark.parametrize(
    "filter_",
    [
        Compare("<=", "price", Integer(3, 3)),
        Compare("=", "price", Money("USD", 3, 3)),
        In("kind", (Text("x"), Text("y"))),
        In("beds", (Integer(3, 3),)),
        Not(Or((Known("a"), Has("tags", "x"), Compare(">", "beds", Integer(1, 1))))),
        And((Has("tags", "x"), Has("tags", "y"), Compare(">=", "a", Integer(1, 1)), Compare("<", "a", Integer(9, 9)))),
        Or((Compare("=", "kind", Text("x")), And((Known("a"), Not(Has("tags", "x")))))),
    ],
)
def test_columns_decide_what_sellers_usually_ask_for(filter_: Filter) -> None:
    assert not any(term.remainder for term in terms_of(filter_))


@pytest.mark.parametrize(
    "filter_",
    [
        And(tuple(Compare("<", f"f{number}", Integer(number, number)) for number in range(32))),
        And(tuple(Or((Known(f"a{number}"), Known(f"b{number}"))) for number in range(20))),
        Or(tuple(Known(f"a{number}") for number in range(32))),
        And(tuple(Has("tags", f"{number}") for number in range(32))),
    ],
)
def test_no_filter_takes_many_slots_or_columns(filter_: Filter) -> None:
    made = terms_of(filter_)
    assert len(made) <= 4
    assert all(len(term.conditions) <= 12 and term.remainder for term in made)


@pytest.mark.parametrize("value", [MIN_INTEGER, MAX_INTEGER])
def test_the_least_and_the_greatest_integer_are_looked_up_right(value: int) -> None:
    made: list[Change] = [
        (-1, Compare(operator, "a", Integer(value, value))) for operator in ("<", "<=", "=", ">", ">=")
    ]
    check(made, [{"a": Integer(at, at)} for at in (MIN_INTEGER, 0, MAX_INTEGER)], few=0)


def test_a_whole_segment_of_thresholds_is_looked_up_right_after_many_changes() -> None:
    chance = random.Random(1)  # noqa: S311 - the same in every run
    thresholds = [(chance.randrange(300), slot) for slot in range(700)]
    column = columns.Thresholds(">=", negated=False)
    for value, slot in thresholds:
        column.add(slot, value)
    for value, slot in (gone := chance.sample(thresholds, 400)):
        assert not column.remove(slot, value)
    left = set(thresholds) - set(gone)
    for end in range(-1, 301):
        assert set(columns.slots_in(column.false((None, end)))) == {slot for value, slot in left if value > end}


@given(st.sets(st.integers(0, columns.SLOTS - 1)))
def test_the_slots_of_a_set_are_those_that_were_put_into_it(slots: set[int]) -> None:
    assert columns.slots_in(sum(1 << slot for slot in slots)) == sorted(slots, reverse=True)


class Counting(dict[str, Any]):
    """Facets that count how often an evaluation reads them."""

    reads = 0

    def get(self, name: str, default: Any = None) -> Any:
        self.reads += 1
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.reads += 1
        return super().__contains__(name)


def far(number: int) -> Filter:
    """A circle that no column can tell from one that holds the place 0, 0."""
    return Near("a", 1_000_000 + number, 1_000_000, 140_000)


@pytest.mark.parametrize(
    ("make", "least", "most"),
    [
        (lambda number: Compare(">", "a", Integer(number, number)), 0, 0),
        (lambda number: And((Compare(">", "a", Integer(5, 5)), Not(In("b", (Integer(number, number),) * 2)))), 0, 0),
        (far, 100, 100),
        (lambda number: Or(tuple(far(64 * number + each) for each in range(32))), 3200, 3200),
    ],
)
def test_a_cast_evaluates_no_more_than_its_work_allows(make: Callable[[int], Filter], least: int, most: int) -> None:
    looked_up: Predicates[int] = Predicates()
    for number in range(100):
        looked_up.handles(make(number)).append(number)
        looked_up.update(make(number))
    facets: Mapping[str, Facet] = Counting({"a": Place(0, 0, 0)})
    if make is not far and least == 0:
        facets = Counting({"a": Integer(0, 0), "b": Integer(1, 1)})
    assert looked_up.find(Cast(facets)) == []
    assert isinstance(facets, Counting)
    assert least <= facets.reads <= min(most, looked_up.work)
