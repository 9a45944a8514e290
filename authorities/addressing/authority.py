"""What an addressing authority takes (records) and answers (the current records of a name)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from authorities.addressing.record_room import RecordRoom
from authorities.addressing.zone import Zone
from byway.errors import Refused
from byway.protocol.statement import Kind, Statement
from byway.router.policy import Admitted, Source, not_admitted


class AddressingPolicy:
    """Registers records and resolves names: policy and resolver of one node."""

    remembers: tuple[Kind, ...] = (Kind.RECORD,)

    def __init__(self, node_key: bytes, now_ms: Callable[[], int]) -> None:
        self._zone = Zone(node_key)
        self._room = RecordRoom()
        self._now_ms = now_ms
        self._node_key = node_key

    def admit(self, statement: Statement, source: Source) -> Admitted:
        if statement.kind is not Kind.RECORD:
            raise not_admitted(statement.kind)
        now_ms = self._now_ms()
        self._zone.check(statement, now_ms)  # a record proves itself, whoever hands it in
        if statement.signer != self._node_key:
            self._room.admit(statement, source.prefix, now_ms)
        return Admitted(statement)

    def remember(self, statement: Statement) -> None:
        self._zone.put(statement, self._now_ms())
        if statement.signer != self._node_key:
            self._room.hold(statement)

    def forget(self, statement: Statement) -> None:
        pass  # admitting changes nothing here

    def is_delivered(self, statement: Statement) -> bool:
        del statement  # records are asked for by name
        return False

    def facets(self, statement: Statement) -> None:
        del statement

    def expire(self, now_ms: int) -> None:
        self._zone.expire(now_ms)
        self._room.expire(now_ms)

    def may_subscribe(self, pattern: str, peer: bytes) -> None:
        del pattern, peer
        raise Refused("not-served", "this node answers for names; subscribe at a router")

    def resolve(self, urn: str) -> Sequence[bytes]:
        return self._zone.resolve(urn, self._now_ms())
