"""The chain of heads: what each commit of one journal is summarised as (wire-protocol section 7). Pure.

A commit is planned before the store writes it and taken over after: a plan that was refused by the store leaves no
trace.  After a crash the stored head is signed again, and Ed25519 gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nacl.signing import SigningKey

from byway.protocol import merkle
from byway.protocol.receipt import Head, Receipt, unsigned_head
from byway.protocol.statement import sign_statement, statement_id
from byway.store.store import Recovered

JOURNAL: Final = 0  # this store has one partition


@dataclass(frozen=True, slots=True)
class Plan:
    """One commit: the sequence of its first statement, its unsigned head, and an audit path for each statement."""

    first: int
    head: bytes
    frontier: merkle.Frontier
    paths: Sequence[Sequence[bytes]]


class Chain:
    """The state that the next head builds on: at first what the store has recovered."""

    def __init__(self, recovered: Recovered, *, signer: bytes, durable: str) -> None:
        self._signer = signer
        self._chain = recovered.chain
        self._durable = durable
        self.next_sequence = recovered.next_sequence
        last = recovered.last
        self._commits = last.number if last else 0
        self._previous = last.head_id if last else recovered.previous
        self._frontier = last.frontier if last else merkle.Frontier().to_bytes()

    def plan(self, ids: Sequence[bytes], now_ms: int) -> Plan:
        """The commit that these statements would make now.  Nothing changes yet."""
        first = self.next_sequence
        leaves = [merkle.leaf(first + index, statement_id) for index, statement_id in enumerate(ids)]
        root, paths = merkle.root_and_paths(leaves)
        frontier = merkle.Frontier.from_bytes(self._frontier)
        frontier.append(merkle.leaf(self._commits + 1, root))
        head = unsigned_head(
            self._signer,
            Head.from_wire(
                {
                    "journal": JOURNAL,
                    "chain": self._chain,
                    "first": first,
                    "count": len(ids),
                    "root": root,
                    "size": self._commits + 1,
                    "tree": frontier.root(),
                    "durable": self._durable,
                }
                | ({"previous": self._previous} if self._previous else {})
            ),
            created=now_ms,
        )
        return Plan(first, head, frontier, paths)

    def take(self, plan: Plan) -> None:
        """The store has made the plan durable: build on it from now on."""
        self.next_sequence = plan.first + len(plan.paths)
        self._commits += 1
        self._previous = statement_id(plan.head + bytes(64))
        self._frontier = plan.frontier.to_bytes()


def receipts_of(key: SigningKey, first: int, head: bytes, paths: Sequence[Sequence[bytes]]) -> list[Receipt]:
    """Sign the head of a durable commit and give a receipt for each of its statements."""
    signed = sign_statement(key, head)
    return [Receipt(signed, first + index, tuple(path)) for index, path in enumerate(paths)]


def receipts_again(key: SigningKey, first: int, head: bytes, ids: Sequence[bytes]) -> list[Receipt]:
    """The first receipts of all statements of an earlier commit, byte for byte; one signature and one tree."""
    leaves = [merkle.leaf(first + index, statement_id) for index, statement_id in enumerate(ids)]
    return receipts_of(key, first, head, merkle.paths(leaves))
