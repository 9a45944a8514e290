"""A store that is filled without a router: with commits as a router makes them, and far more casts than one can sign.

The casts are as real ones, on many topics, but for their signatures, which are random bytes: a store does not look at
them, nor does a router that starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import count, cycle, islice
from types import TracebackType
from typing import Final, Self

from nacl.signing import SigningKey

from benchmarks.load.template import CastTemplate
from benchmarks.router_process import RouterFolder
from byway.clock import now_ms
from byway.protocol.receipt import Receipt
from byway.protocol.statement import SIGNATURE_BYTES, statement_id
from byway.protocol.urn import KEY_BYTES
from byway.router.chain import Chain, Plan, receipts_of
from byway.store.sqlite.store import open_store
from byway.store.store import Entry

TOPICS: Final = 1000
BATCH: Final = 64
FILL_BATCH: Final = 512  # as large as the commits of a busy router get
MIXED: Final = (*16 * (1,), *4 * (8,), *2 * (64,), *2 * (512,))
"""Casts in commits as a router makes them that is idle at times: more than half have a single cast."""


def entries() -> Iterator[Entry]:
    """Casts without end, no two alike, each to the next of `TOPICS` topics."""
    templates = [CastTemplate.to(f"urn:byway:topic:open:homes:city-{number}") for number in range(TOPICS)]
    for number in count():
        made = templates[number % TOPICS]
        random = os.urandom(KEY_BYTES + SIGNATURE_BYTES)
        data = made.unsigned(random[:KEY_BYTES], number) + random[KEY_BYTES:]
        yield Entry(data, statement_id(data), made.kind, made.address, made.expires)


class FilledStore:
    """The store of a router that does not run, and the chain of its commits.  A context, which closes it."""

    def __init__(self, folder: RouterFolder) -> None:
        """Raises `StoreError`."""
        self._key: SigningKey = folder.key
        signer = bytes(self._key.verify_key)
        self.store = open_store(folder.folder, node_key=signer, random=os.urandom)
        self._chain = Chain(self.store.recover(now_ms()), signer=signer, durable=self.store.durable)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.store.close()

    def commit(self, batch: Sequence[Entry]) -> list[Receipt]:
        """All that a router does to store a batch and to promise it: look for each, plan, write, flush, sign."""
        for entry in batch:
            if self.store.find(entry.id) is not None:
                raise AssertionError("no two casts are alike")
        plan = self._write(batch)
        return receipts_of(self._key, plan.first, plan.head, plan.paths)

    def fill(self, casts: Iterator[Entry], number: int, batches: Sequence[int] = (FILL_BATCH,)) -> None:
        """Commit `number` casts more, in batches of these sizes by turns; nobody is promised anything."""
        some = islice(casts, number)
        sizes = cycle(batches)
        while batch := list(islice(some, next(sizes))):
            self._write(batch)

    def _write(self, batch: Sequence[Entry]) -> Plan:
        plan = self._chain.plan([entry.id for entry in batch], now_ms())
        self.store.commit(batch, first=plan.first, head=plan.head, frontier=plan.frontier.to_bytes())
        self._chain.take(plan)
        return plan
