"""How much of the work that one cast may cost each key, and each address prefix, takes up with its filters.

Keys are free, so a share goes to the prefix first, and a key has a share of that.  Both are a part of what others have
left: a few who take all they can get leave room for many who come later.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

PART: Final = 4  # a prefix may take a quarter of what the others leave, and a key a quarter of that


class Owner(NamedTuple):
    """Whose a subscription is: a key, on a link from this address prefix."""

    key: bytes
    prefix: str


class Shares:
    """Who takes up how much of a `whole`, in units of work."""

    def __init__(self, whole: int) -> None:
        self._whole = whole
        self._taken: Counter[Owner] = Counter()
        self._taken_by_prefix: Counter[str] = Counter()

    def allows(self, owner: Owner, work: int, spent: int) -> bool:
        """Whether `owner` may take so much more, where `spent` is used up of the whole by now.

        As long as hardly anything is used up, nobody's share is looked at.
        """
        if spent + work <= self._whole // PART**2:
            return True
        of_prefix, of_key = self._taken_by_prefix[owner.prefix], self._taken[owner]
        for_prefix = (self._whole - max(0, spent - of_prefix)) // PART
        for_key = (for_prefix - (of_prefix - of_key)) // PART
        return of_key + work <= for_key

    def take(self, owner: Owner, work: int) -> None:
        """`owner` takes up so much more; less, if it is negative."""
        self._taken[owner] += work
        self._taken_by_prefix[owner.prefix] += work
        if not self._taken[owner]:
            del self._taken[owner]
        if not self._taken_by_prefix[owner.prefix]:
            del self._taken_by_prefix[owner.prefix]
