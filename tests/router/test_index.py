"""The index finds exactly what the definitions of matching and filtering select."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from byway.errors import Refused
from byway.protocol.facets import Boolean, Facet, Integer, Place, parse_facets
from byway.protocol.filter import And, Compare, Filter, Known, Near, Or, parse_expression
from byway.protocol.topic import Topic, TopicPattern
from byway.router import predicates
from byway.router.index import SubscriptionIndex
from byway.router.shares import Owner
from tests.strategies.facets import facet_maps
from tests.strategies.filters import filters
from tests.strategies.topics import WORDS, patterns, topics

few_words = st.sampled_from(WORDS[:3])
few_patterns = patterns(few_words, 4)
few_topics = topics(few_words, 4)
any_filter = st.none() | st.just(Known("price")) | filters()
handles = st.integers(0, 20)
Wish = tuple[TopicPattern, Filter | None]


def selected(wishes: dict[int, Wish], topic: Topic, facets: dict[str, Facet]) -> set[int]:
    """The definition."""
    return {
        handle
        for handle, (pattern, filter_) in wishes.items()
        if pattern.matches(topic) and (filter_ is None or filter_.evaluate(facets) is not False)
    }


class Subscribing(RuleBasedStateMachine):
    """Any adds, replacements and removals, beside a plain dictionary of the same."""

    def __init__(self) -> None:
        super().__init__()
        self.index: SubscriptionIndex[int] = SubscriptionIndex()
        self.wishes: dict[int, Wish] = {}

    @rule(handle=handles, pattern=few_patterns, filter_=any_filter)
    def add(self, handle: int, pattern: TopicPattern, filter_: Filter | None) -> None:
        self.index.add(handle, pattern, filter_)
        self.wishes[handle] = (pattern, filter_)

    @rule(handle=handles)
    def remove(self, handle: int) -> None:
        if handle in self.wishes:
            self.index.remove(handle)
            del self.wishes[handle]
        else:
            with pytest.raises(KeyError):
                self.index.remove(handle)

    @rule(topic=few_topics, facets=facet_maps())
    def find(self, topic: Topic, facets: dict[str, Facet]) -> None:
        found = self.index.find(topic, facets)
        assert len(found) == len(set(found))
        assert set(found) == selected(self.wishes, topic, facets)

    @rule(topic=few_topics)
    def find_by_topic(self, topic: Topic) -> None:
        found = self.index.find_by_topic(topic)
        assert sorted(found) == sorted(handle for handle, (pattern, _) in self.wishes.items() if pattern.matches(topic))

    @invariant()
    def knows_who_is_there(self) -> None:
        assert len(self.index) == len(self.wishes)
        assert all((handle in self.index) == (handle in self.wishes) for handle in range(21))


TestSubscribing = Subscribing.TestCase
TestSubscribing.settings = settings(max_examples=60)


class Looking(Subscribing):
    """The same where every filter is looked up, however few there are."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(predicates, "FEW", 0)

    def teardown(self) -> None:
        self.patch.undo()


TestLooking = Looking.TestCase
TestLooking.settings = settings(max_examples=30)


@given(
    st.dictionaries(st.integers(), st.tuples(few_patterns, any_filter), max_size=30),
    st.lists(st.tuples(few_topics, facet_maps()), max_size=5),
)
def test_the_index_equals_the_definition(wishes: dict[int, Wish], casts: list[tuple[Topic, dict[str, Facet]]]) -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex()
    for handle, (pattern, filter_) in wishes.items():
        index.add(handle, pattern, filter_)
    for topic, facets in casts:
        assert set(index.find(topic, facets)) == selected(wishes, topic, facets)


@given(st.lists(st.tuples(handles, few_patterns, any_filter), max_size=30))
def test_what_was_removed_leaves_nothing_behind(added: list[tuple[int, TopicPattern, Filter | None]]) -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex()
    for handle, pattern, filter_ in added:
        index.add(handle, pattern, filter_)
    for handle in {handle for handle, _, _ in added}:
        index.remove(handle)
    assert len(index) == 0
    assert index._top.is_empty
    assert index._top.work == 0
    assert index._top.loads is None


def test_an_unknown_facet_does_not_keep_a_cast_away() -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    index.add("seller", TopicPattern.parse("open:homes:**"), parse_expression([">=", "beds", ["integer", 2, 2]]))
    topic = Topic.parse("urn:byway:topic:open:homes:boston")
    assert index.find(topic, {}) == ["seller"]
    assert index.find(topic, parse_facets({"beds": ["integer", 1, 1]})) == []
    assert index.find_by_topic(topic) == ["seller"]


def test_what_is_found_comes_in_the_order_of_the_calls() -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    pattern = TopicPattern.parse("open:homes")
    for handle in "abcd":
        index.add(handle, pattern, None)
    index.remove("a")
    assert index.find(Topic("open", ("homes",)), {}) == ["d", "b", "c"]


def test_equal_filters_at_one_pattern_are_evaluated_once() -> None:
    @dataclass(frozen=True)
    class Counting(Known):
        """A filter that counts how often it is asked."""

        def evaluate(self, facets: object) -> bool:
            asked.append(facets)
            return True

    asked: list[object] = []
    index: SubscriptionIndex[int] = SubscriptionIndex()
    for handle in range(50):
        index.add(handle, TopicPattern.parse("open:homes"), Counting("price"))
    assert len(index.find(Topic("open", ("homes",)), {})) == 50
    assert len(asked) == 1


def test_filters_that_look_alike_are_not_mixed_up() -> None:
    """1, 1.0 and true are equal in Python, and are three values here."""
    index: SubscriptionIndex[str] = SubscriptionIndex()
    pattern = TopicPattern.parse("open:homes")
    index.add("integer", pattern, Compare("=", "a", Integer(1, 1)))
    index.add("decimal", pattern, parse_expression(["=", "a", ["decimal", [1, 0], [1, 0]]]))
    index.add("boolean", pattern, Compare("=", "a", Boolean(true=True)))
    assert index.find(Topic("open", ("homes",)), {"a": Integer(2, 2)}) == ["decimal", "boolean"]


@pytest.mark.parametrize("filter_", [None, Known("price"), Or((Known("price"), Known("beds")))])
def test_who_is_alone_with_a_filter_and_who_shares_it_are_found(filter_: Filter | None) -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex()
    pattern = TopicPattern.parse("open:homes")
    for number in range(100, 100 + 2 * predicates.FEW):
        index.add(number, pattern, Compare("<", "beds", Integer(-number, -number)))
    cast: dict[str, Facet] = {"price": Integer(1, 1), "beds": Integer(1, 1)}
    present: set[int] = set()
    for handle in (0, 1, 2, 0, 2, 1, 3, 3):
        if handle in present:
            index.remove(handle)
        else:
            index.add(handle, pattern, filter_)
        present ^= {handle}
        assert sorted(index.find(Topic("open", ("homes",)), cast)) == sorted(present)


HOMES = TopicPattern.parse("open:homes:**")
BOSTON = Topic("open", ("homes", "boston"))
HERE: dict[str, Facet] = {"where": Place(0, 0, 0)}


def circle(number: int) -> Filter:
    """What has to be evaluated for a cast at 0, 0, and is false."""
    return Near("where", 1_000_000 + number, 1_000_000, 140_000)


def costly(number: int) -> Filter:
    """As `circle`, after thirty more that say nothing."""
    return And((*(Near(f"where{other}", number, 0, 0) for other in range(30)), circle(number)))


def fill(
    index: SubscriptionIndex[int], pattern: TopicPattern, make: Callable[[int], Filter], owner: Owner | None = None
) -> int:
    """Subscribe until it is refused; how often it was not."""
    first = len(index)
    refused: Refused | None = None
    while refused is None:
        try:
            index.add(len(index), pattern, make(len(index)), owner)
        except Refused as error:
            refused = error
    assert refused.code == "filters-full"
    assert refused.temporary
    return len(index) - first


def test_costly_filters_are_refused_before_a_cast_costs_more_than_the_bound() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    assert 10 < fill(index, HOMES, costly) < 32_000 // 90
    assert index._top.work <= 32_000
    assert index.find(BOSTON, HERE) == []


def test_who_asks_for_little_finds_room_when_costly_filters_do_not() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    fill(index, HOMES, costly)
    index.add(-1, HOMES, Compare(">", "price", Integer(1, 1)))
    index.add(-2, HOMES, None)
    assert set(index.find(BOSTON, HERE)) == {-1, -2}
    assert fill(index, HOMES, circle) > 10


def test_a_refused_subscription_leaves_the_index_as_it_was() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    held = fill(index, HOMES, costly)
    work = index._top.work
    with pytest.raises(Refused):
        index.add(-1, HOMES, costly(-1))
    assert (len(index), index._top.work, -1 in index) == (held, work, False)


def test_room_that_is_given_back_can_be_had_again() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    held = fill(index, HOMES, costly)
    for handle in list(index._places):
        index.remove(handle)
    assert fill(index, HOMES, costly) == held


def test_what_waits_at_other_topics_takes_no_room_here() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    held = fill(index, TopicPattern.parse("open:homes:boston"), costly)
    assert fill(index, TopicPattern.parse("open:homes:berlin"), costly) >= held
    with pytest.raises(Refused):
        index.add(-1, HOMES, costly(-1))


def test_patterns_of_stars_are_refused_before_a_cast_has_to_follow_too_many() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=800)
    refused = 0
    for number in range(2**10):
        stars = tuple("*" if number >> place & 1 else "a" for place in range(10))
        try:
            index.add(number, TopicPattern("open", (*stars, "end")), None)
        except Refused:
            refused += 1
    assert refused > 800
    assert index._top.work <= 800
    assert 0 in index


def test_refusing_the_filter_that_would_make_looking_up_worthwhile_gives_its_work_back() -> None:
    def wide(number: int) -> Filter:
        return And(tuple(Compare("<", f"n{number}x{part}", Integer(0, 0)) for part in range(12)))

    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=2000)
    for number in range(predicates.FEW):
        index.add(number, HOMES, wide(number))
    work = index._top.work
    with pytest.raises(Refused):
        index.add(-1, HOMES, wide(predicates.FEW))
    assert index._top.work == work


def test_a_few_keys_that_take_all_they_can_get_leave_room_for_those_who_come_later() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    for greedy in range(20):
        owner = Owner(bytes([greedy]), "198.51.100.0/24")
        fill(index, HOMES, costly, owner)
        fill(index, HOMES, circle, owner)
    neighbour = fill(index, HOMES, circle, Owner(b"neighbour", "198.51.100.0/24"))
    stranger = fill(index, HOMES, circle, Owner(b"stranger", "203.0.113.0/24"))
    assert neighbour >= 1
    assert stranger > 100
    assert index._top.work <= 32_000


def test_many_prefixes_together_cannot_make_a_cast_cost_more_than_the_bound() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    for greedy in range(60):
        fill(index, HOMES, costly, Owner(bytes([greedy]), f"10.0.{greedy}.0/24"))
    assert 16_000 < index._top.work <= 32_000


def test_as_long_as_a_cast_costs_little_nobodys_share_is_looked_at() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    seller = Owner(b"seller", "203.0.113.0/24")
    for number in range(300):  # so many patterns are more than its share together, but no cast meets two of them
        index.add(number, TopicPattern("open", (f"topic{number}",)), costly(number), seller)
    assert index._top.work < 2000


def test_what_was_given_back_can_be_taken_again() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    owner = Owner(b"seller", "203.0.113.0/24")
    held = fill(index, HOMES, costly, owner)
    for handle in list(index._places):
        index.remove(handle)
    assert fill(index, HOMES, costly, owner) == held
    assert index._shares._taken[owner] == index._top.work


def test_who_keeps_a_filter_that_another_key_brought_first_answers_for_it() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex(max_work=32_000)
    first, second = Owner(b"first", "203.0.113.0/24"), Owner(b"second", "203.0.113.0/24")
    index.add(1, HOMES, costly(0), first)
    work = index._shares._taken[first]
    index.add(2, HOMES, costly(0), second)
    index.remove(1)
    assert index._shares._taken == {second: work}
    index.remove(2)
    assert not index._shares._taken
    assert not index._shares._taken_by_prefix
