"""The subscriptions that a cast is for, found fast.

A trie over root and parts of the patterns; `*` and `**` are parts like any other, because no segment
is spelled so.  Finding costs what the depth of the topic and the hits cost, not what all
subscriptions cost.  Equal filters at one pattern are evaluated once.  `TopicPattern.matches` and
`Filter.evaluate` are the definition; a property test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Generic, TypeVar

from byway.protocol.facets import Facet
from byway.protocol.filter import Filter
from byway.protocol.topic import ONE, REST, Topic, TopicPattern

Handle = TypeVar("Handle", bound=Hashable)


class SubscriptionIndex(Generic[Handle]):
    """Which handles are subscribed to what.

    The order of what is found depends on the calls alone, so that a simulation repeats itself.
    """

    def __init__(self) -> None:
        self._top: _Node[Handle] = _Node(None, "")
        self._places: dict[Handle, _Place[Handle]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, handle: object) -> bool:
        return handle in self._places

    def add(self, handle: Handle, pattern: TopicPattern, filter: Filter | None) -> None:  # noqa: A002 - the word for it
        """Subscribe `handle` to what pattern and filter select, in the place of what it had before."""
        if handle in self._places:
            self.remove(handle)
        node = self._top
        for part in (pattern.root, *pattern.parts):
            node = node.child(part)
        handles = node.groups.setdefault(filter, [])
        self._places[handle] = _Place(node, filter, len(handles))
        handles.append(handle)

    def remove(self, handle: Handle) -> None:
        """Forget `handle`.  Raises `KeyError` if it is not there."""
        place = self._places.pop(handle)
        handles = place.node.groups[place.filter]
        last = handles.pop()
        if last != handle:
            handles[place.position] = last
            self._places[last].position = place.position
        elif not handles:
            del place.node.groups[place.filter]
            place.node.prune()

    def find(self, topic: Topic, facets: Mapping[str, Facet]) -> list[Handle]:
        """The handles whose pattern matches `topic` and whose filter is not false for `facets`."""
        found: list[Handle] = []
        for node in self._matching(topic):
            for filter_, handles in node.groups.items():
                if filter_ is None or filter_.evaluate(facets) is not False:
                    found.extend(handles)
        return found

    def find_by_topic(self, topic: Topic) -> list[Handle]:
        """The handles whose pattern matches `topic`, whatever their filter."""
        return [handle for node in self._matching(topic) for handles in node.groups.values() for handle in handles]

    def _matching(self, topic: Topic) -> Iterator[_Node[Handle]]:
        """The nodes at which a pattern that matches `topic` ends, or that such a pattern runs through."""
        level = [self._top]
        for segment in (topic.root, *topic.segments):
            below = []
            for node in level:
                if node.children:
                    if REST in node.children:
                        yield node.children[REST]
                    below += [node.children[part] for part in (segment, ONE) if part in node.children]
            level = below
        for node in level:
            yield node
            if node.children and REST in node.children:
                yield node.children[REST]


class _Node(Generic[Handle]):
    """A beginning that patterns share, and the subscriptions whose pattern ends here, by filter."""

    __slots__ = ("children", "groups", "parent", "part")

    def __init__(self, parent: _Node[Handle] | None, part: str) -> None:
        self.parent = parent
        self.part = part
        self.children: dict[str, _Node[Handle]] | None = None  # most nodes are leaves, and there may be a million
        self.groups: dict[Filter | None, list[Handle]] = {}

    def child(self, part: str) -> _Node[Handle]:
        if self.children is None:
            self.children = {}
        node = self.children.get(part)
        if node is None:
            node = self.children[part] = _Node(self, part)
        return node

    def prune(self) -> None:
        """Drop this node, and those above it, as far as no pattern runs through them any more."""
        node = self
        while node.parent is not None and not node.groups and not node.children:
            parent = node.parent
            if parent.children is not None:
                del parent.children[node.part]
            node = parent


class _Place(Generic[Handle]):
    """Where a handle stands: its node, its filter, and its position among those with the same."""

    __slots__ = ("filter", "node", "position")

    def __init__(self, node: _Node[Handle], filter_: Filter | None, position: int) -> None:
        self.node = node
        self.filter = filter_
        self.position = position
