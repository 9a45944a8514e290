"""The subscriptions that a cast is for, found fast.

A trie over root and parts of the patterns.  Finding costs what the depth of the topic and the hits cost, not what all
subscriptions cost, and beside that at most a set number of units of work, whoever subscribes to what.  Among a million
subscriptions most of the time goes into fetching from memory what no cache has, so little lies between a node and what
it leads to.

`TopicPattern.matches` and `Filter.evaluate` are the definition; a property test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, Generic, TypeVar

from byway.errors import Refused
from byway.protocol.facets import Facet
from byway.protocol.filter import Filter
from byway.protocol.limits import RETRY_AFTER_MS
from byway.protocol.topic import ONE, REST, Topic, TopicPattern
from byway.router.conditions import Cast
from byway.router.predicates import Predicates
from byway.router.shares import Owner, Shares

Handle = TypeVar("Handle", bound=Hashable)

MAX_WORK: Final = 65_536  # units of about half a microsecond: what one cast may cost at most, beside what it finds
LARGEST_SHARE: Final = 16  # one more may take this part of what is left, so that simple filters find room longest
STAR_WORK: Final = 8  # what a `*` leads to is looked at beside what a segment leads to, down to the leaf


class SubscriptionIndex(Generic[Handle]):
    """Which handles are subscribed to what.

    The order of what is found depends on the calls alone, so that a simulation repeats itself.
    """

    def __init__(self, max_work: int = MAX_WORK) -> None:
        self._top: _Node[Handle] = _Node(None, "")
        self._places: dict[Handle, _Place[Handle]] = {}
        self._max_work = max_work
        self._shares = Shares(max_work)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, handle: object) -> bool:
        return handle in self._places

    def add(
        self,
        handle: Handle,
        pattern: TopicPattern,
        filter: Filter | None,  # noqa: A002 - the word for it
        owner: Owner | None = None,
    ) -> None:
        """Subscribe `handle` to what pattern and filter select, in the place of what it had before.

        Raises `Refused` (`filters-full`) where it takes too much of the work that one cast may cost, or more than the
        share of its `owner`, if it has one; then `handle` is subscribed to nothing.
        """
        if handle in self._places:
            self.remove(handle)
        node, own = self._top, 0
        for part in (pattern.root, *pattern.parts):
            own += STAR_WORK if part == ONE and not node.one else 0
            node = node.child(part)
        own -= node.predicates.work if node.predicates else 0
        handles = node.handles(filter)
        own = max(0, own + (node.predicates.work if node.predicates else 0))
        self._places[handle] = _Place(node, filter, len(handles), owner)
        handles.append(handle)
        node.update(filter, handles)
        before = self._top.work
        node.weigh()
        grown = self._top.work - before
        fits = grown * LARGEST_SHARE <= max(0, self._max_work - before)
        if not fits or (grown > 0 and owner and not self._shares.allows(owner, own, before)):
            self.remove(handle)
            if node.predicates:
                node.predicates.settle()
                node.weigh()
            raise Refused("filters-full", retry_after_ms=RETRY_AFTER_MS)
        self._charge(self._places[handle], own)

    def remove(self, handle: Handle) -> None:
        """Forget `handle`.  Raises `KeyError` if it is not there."""
        place = self._places.pop(handle)
        handles = place.node.handles(place.filter)
        last = handles.pop()
        if last != handle:
            handles[place.position] = last
            self._places[last].position = place.position
        if handles:
            place.node.update(place.filter, handles)
            self._charge(self._places[handles[0]], place.work)  # others have the same, which costs what it did
        else:
            place.node.forget(place.filter)
        self._charge(place, -place.work)

    def _charge(self, place: _Place[Handle], work: int) -> None:
        """Have the owner of a place answer for so much more work."""
        if place.owner and work:
            place.work += work
            self._shares.take(place.owner, work)

    def find(self, topic: Topic, facets: Mapping[str, Facet]) -> list[Handle]:
        """The handles whose pattern matches `topic` and whose filter is not false for `facets`."""
        cast = Cast(facets)
        found: list[Handle] = []
        for node in self._matching(topic):
            if node.alone is not None:
                found.append(node.alone)
            elif node.unfiltered:
                found += node.unfiltered
            if node.predicates:
                found += node.predicates.find(cast)
        return found

    def find_by_topic(self, topic: Topic) -> list[Handle]:
        """The handles whose pattern matches `topic`, whatever their filter."""
        found: list[Handle] = []
        for node in self._matching(topic):
            found += node.handles(None)
            found += node.predicates.all() if node.predicates else ()
        return found

    def _matching(self, topic: Topic) -> list[_Node[Handle]]:
        """The nodes at which a pattern that matches `topic` ends, or that such a pattern runs through."""
        matching = []
        level = [self._top]
        for segment in (topic.root, *topic.segments):
            below = []
            for node in level:
                if node.rest:
                    matching.append(node.rest)
                if node.children and (same := node.children.get(segment)):
                    below.append(same)
                if node.one:
                    below.append(node.one)
            level = below
        for node in level:
            matching.append(node)
            if node.rest:
                matching.append(node.rest)
        return matching


class _Node(Generic[Handle]):
    """A beginning that patterns share, and the subscriptions whose pattern ends here."""

    __slots__ = ("alone", "children", "loads", "one", "parent", "part", "predicates", "rest", "unfiltered", "work")

    def __init__(self, parent: _Node[Handle] | None, part: str) -> None:
        self.parent = parent
        self.part = part
        # most nodes have one of these six, and there may be a million
        self.children: dict[str, _Node[Handle]] | None = None  # by segment
        self.one: _Node[Handle] | None = None  # what `*` leads to
        self.rest: _Node[Handle] | None = None  # what `**` leads to
        self.alone: Handle | None = None  # the only one without a filter
        self.unfiltered: list[Handle] | None = None  # if there are several
        self.predicates: Predicates[Handle] | None = None
        self.work = 0  # units that one cast can cost at most, from here down
        self.loads: dict[int, int] | None = None  # how many segments below here have so much work, unless it is none

    def child(self, part: str) -> _Node[Handle]:
        """The node that this part of a pattern leads to, which is made if it is not there."""
        if part == ONE:
            self.one = self.one or _Node(self, part)
            return self.one
        if part == REST:
            self.rest = self.rest or _Node(self, part)
            return self.rest
        if self.children is None:
            self.children = {}
        node = self.children.get(part)
        if node is None:
            node = self.children[part] = _Node(self, part)
        return node

    def drop(self, child: _Node[Handle]) -> None:
        """Forget a node that nothing runs through any more."""
        self.take_load(child, 0)
        if child is self.one:
            self.one = None
        elif child is self.rest:
            self.rest = None
        elif self.children:
            del self.children[child.part]

    @property
    def is_empty(self) -> bool:
        return self.alone is None and not (self.unfiltered or self.predicates or self.children or self.one or self.rest)

    def handles(self, filter_: Filter | None) -> list[Handle]:
        """The handles with this filter, to be added to and taken from.  Whoever did so calls `update`."""
        if filter_ is not None:
            if self.predicates is None:
                self.predicates = Predicates()
            return self.predicates.handles(filter_)
        if self.unfiltered is not None:
            return self.unfiltered
        return [] if self.alone is None else [self.alone]

    def update(self, filter_: Filter | None, handles: list[Handle]) -> None:
        """Take notice that these are the handles with this filter now: one at least."""
        if filter_ is None:
            self.alone, self.unfiltered = (handles[0], None) if len(handles) == 1 else (None, handles)
        elif self.predicates:
            self.predicates.update(filter_)

    def forget(self, filter_: Filter | None) -> None:
        """Drop what has no handles any more: a filter, this node, and those above it that no pattern runs through."""
        if filter_ is None:
            self.alone = self.unfiltered = None
        elif self.predicates and self.predicates.remove(filter_):
            self.predicates = None
        node = self
        while node.parent and node.is_empty:
            node.parent.drop(node)
            node = node.parent
        node.weigh()

    def weigh(self) -> None:
        """Bring `work` up to date, here and above."""
        node: _Node[Handle] | None = self
        while node is not None:
            work = node.predicates.work if node.predicates else 0
            work += max(node.loads) if node.loads else 0
            work += node.one.work + STAR_WORK if node.one else 0
            work += node.rest.work if node.rest else 0
            if node.parent:
                node.parent.take_load(node, work)
            node.work = work
            node = node.parent

    def take_load(self, child: _Node[Handle], work: int) -> None:
        """Count `child` by the work that it has from now on: a cast goes to the child of one segment only."""
        if child.work == work or child.part in {ONE, REST}:
            return
        loads = self.loads or {}
        if child.work:
            loads[child.work] -= 1
            if not loads[child.work]:
                del loads[child.work]
        if work:
            loads[work] = loads.get(work, 0) + 1
        self.loads = loads or None


class _Place(Generic[Handle]):
    """Where a handle stands: its node, its filter, and its position among those with the same; whose it is."""

    __slots__ = ("filter", "node", "owner", "position", "work")

    def __init__(self, node: _Node[Handle], filter_: Filter | None, position: int, owner: Owner | None) -> None:
        self.node = node
        self.filter = filter_
        self.position = position
        self.owner = owner
        self.work = 0  # that its owner answers for
