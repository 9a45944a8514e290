"""Pages what a subscription has not seen yet from the store.

A round covers the journal up to where it ended when the round began, so the addresses that match need to be found only
once a round.  A subscription whose round reaches the end of the journal is live: from then on commits are pushed to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from byway.protocol.frames import Entry
from byway.protocol.statement import parse_statement
from byway.protocol.topic import Topic
from byway.router.delivery import Delivery, Round
from byway.router.memory import Ready
from byway.router.policy import Policy
from byway.router.store_thread import StoreThread
from byway.store.store import Store

PAGE: Final = 128  # statements of ordinary size: about what may be pending for one subscriber
PIECE: Final = 32  # read at one time, so that a page of large statements ends early


class Backlog:
    """Reads pages for the subscriptions of one router."""

    def __init__(self, store: Store, thread: StoreThread, policy: Policy) -> None:
        self._store = store
        self._thread = thread
        self._policy = policy

    async def page(self, delivery: Delivery, tip: int) -> None:
        """Read the next page for `delivery`.  Raises `StoreError`; cancelling loses nothing.

        `tip` is the last sequence that the policy has taken note of: what the store has beyond it is not looked at
        yet, because the policy would not know it.
        """
        delivery.begin_page()
        found, through, delivery.round = await self._thread.run(lambda: self._read(delivery, tip))
        delivery.page(found, through)

    def _read(self, delivery: Delivery, tip: int) -> tuple[list[Ready], int, Round | None]:
        """In the worker thread: what matches, how far this page looked, and the round unless it is over."""
        current = delivery.round or Round(tip, self._addresses(delivery))
        sequences = self._store.sequences(current.addresses, delivery.looked, PAGE)
        sequences = [sequence for sequence in sequences if sequence <= current.through]
        found: list[Ready] = []
        page_bytes = delivery.page_bytes
        step = PIECE if page_bytes > 1 else 1
        for start in range(0, len(sequences), step):
            piece = sequences[start : start + step]
            found += self._match(delivery, piece)
            if sum(ready.size for ready in found) >= page_bytes:
                return found, piece[-1], current
        if len(sequences) == PAGE:
            return found, sequences[-1], current
        return found, current.through, None

    def _addresses(self, delivery: Delivery) -> list[str]:
        if delivery.mailbox is not None:
            return [delivery.mailbox]
        pattern = delivery.pattern
        return [
            address
            for address in self._store.addresses()
            if pattern is not None and address.startswith("urn:byway:topic:") and pattern.matches(Topic.parse(address))
        ]

    def _match(self, delivery: Delivery, sequences: Sequence[int]) -> Iterator[Ready]:
        for sequence, data in self._store.read(sequences):
            statement = parse_statement(data)
            if not self._policy.is_delivered(statement):
                continue
            if delivery.filter:  # only then does anybody have to look into the body
                facets = self._policy.facets(statement)
                if facets is not None and delivery.filter.evaluate(facets) is False:
                    continue
            yield Ready(Entry(sequence, data), statement.expires, (statement.id, statement.signer))
