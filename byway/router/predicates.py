"""The filters at one place of the topic index, and those of them that a cast does not make false.

A few are evaluated one by one.  Many are looked up.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from byway.protocol.filter import Filter
from byway.router.conditions import Cast, work_of
from byway.router.terms import Terms

Handle = TypeVar("Handle")

FEW: Final = 32  # filters that are evaluated about as fast as they are looked up


class Group(list[Handle]):
    """The handles with one filter, and its slots among the terms."""

    __slots__ = ("slots",)

    def __init__(self) -> None:
        super().__init__()
        self.slots: tuple[int, ...] = ()


class Predicates(Generic[Handle]):
    """Handles by filter.  Equal filters are one."""

    __slots__ = ("_groups", "_terms", "_work")

    def __init__(self) -> None:
        self._groups: dict[Filter, Group[Handle]] = {}
        self._terms: Terms[Handle] | None = None
        self._work = 0

    @property
    def work(self) -> int:
        """Units of work that finding costs at most, beside what is found."""
        return self._work if self._terms is None else self._terms.work

    def handles(self, filter_: Filter) -> list[Handle]:
        """The handles with this filter, to be added to and taken from.  Whoever did so calls `update`."""
        group = self._groups.get(filter_)
        if group is None:
            group = self._groups[filter_] = Group()
            self._work += work_of(filter_)
            if self._terms is not None:
                group.slots = self._terms.add(filter_, group)
            elif len(self._groups) > FEW:
                self._terms = Terms()
                for each, each_group in self._groups.items():
                    each_group.slots = self._terms.add(each, each_group)
                    self._terms.update(each_group.slots, each_group)
        return group

    def update(self, filter_: Filter) -> None:
        """Take notice that the handles with this filter are others now."""
        if self._terms is not None:
            group = self._groups[filter_]
            self._terms.update(group.slots, group)

    def remove(self, filter_: Filter) -> bool:
        """Forget this filter, when it has no handles any more; true if it was the last."""
        group = self._groups.pop(filter_)
        self._work -= work_of(filter_)
        if self._terms is not None:
            self._terms.remove(filter_, group.slots)
            if len(self._groups) < FEW // 2:
                self.settle()
        return not self._groups

    def settle(self) -> None:
        """Go back to evaluating one by one, if there are few and that is less work."""
        if self._terms is not None and len(self._groups) <= FEW and self._work <= self._terms.work:
            self._terms = None

    def find(self, cast: Cast) -> list[Handle]:
        """The handles whose filter is not false."""
        if self._terms is not None:
            return self._terms.find(cast)
        groups = [group for filter_, group in self._groups.items() if filter_.evaluate(cast.facets) is not False]
        return [handle for group in groups for handle in group]

    def all(self) -> list[Handle]:
        """The handles, whatever their filter."""
        return [handle for group in self._groups.values() for handle in group]
