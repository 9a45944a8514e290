"""The index finds exactly what the definitions of matching and filtering select."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from byway.protocol.facets import Boolean, Facet, Integer, parse_facets
from byway.protocol.filter import Compare, Filter, Known, parse_expression
from byway.protocol.topic import Topic, TopicPattern
from byway.router.index import SubscriptionIndex
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
    assert not index._top.children


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
