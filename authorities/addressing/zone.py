"""The names that one addressing authority answers for.  Pure.

A node speaks for itself: its record is signed by its own key.  A topic's record is signed by the key in the topic's
root, which is this authority's.  The highest serial of a name is its current record (wire-protocol section 4.8).
"""

from __future__ import annotations

from byway.errors import Refused, StatementError
from byway.protocol.limits import MAX_NODE_RECORD_BYTES, MAX_TOPIC_RECORD_BYTES
from byway.protocol.record import Record, authority_key
from byway.protocol.statement import Statement
from byway.protocol.urn import parse_urn


class Zone:
    """The current record of every name, rebuilt from the journal at start."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._records: dict[str, tuple[Statement, Record]] = {}

    def check(self, statement: Statement, now_ms: int) -> Record:
        """The record, if it may be registered here now.

        Raises `StatementError` (`wrong-signer`, `bad-body`, `too-large`, ...) or `Refused` (`wrong-authority`,
        `older-serial`).
        """
        record = Record.from_statement(statement)
        name = parse_urn(record.name)
        most = MAX_TOPIC_RECORD_BYTES if name.kind == "topic" else MAX_NODE_RECORD_BYTES
        if len(statement.data) > most:
            raise StatementError(f"the record of a {name.kind} has at most {most} bytes", code="too-large")
        if name.kind == "topic" and authority_key(name) != self._key:
            raise Refused("wrong-authority", "this authority does not answer for the root of that topic")
        current = self._current(record.name, now_ms)
        if current and current[0].id != statement.id and record.serial <= current[1].serial:
            raise Refused("older-serial")
        return record

    def put(self, statement: Statement, now_ms: int) -> None:
        """Take over a record that is in the journal, unless a higher serial of its name is current."""
        record = Record.from_statement(statement)
        current = self._current(record.name, now_ms)
        if current is None or record.serial > current[1].serial:
            self._records[record.name] = (statement, record)

    def expire(self, now_ms: int) -> None:
        """Forget records that have expired."""
        self._records = {name: found for name, found in self._records.items() if found[0].expires > now_ms}

    def resolve(self, urn: str, now_ms: int) -> list[bytes]:
        """The current record of `urn` and, for a topic, those of the nodes that it names.

        Empty if there is no such name.  Raises `StatementError` (`bad-urn`).
        """
        name = parse_urn(urn, "node", "topic").text
        found = self._current(name, now_ms)
        if found is None:
            return []
        statement, record = found
        nodes = dict.fromkeys([*(record.homes or ()), *([record.messaging] if record.messaging else [])])
        others = [other[0].data for node in nodes if (other := self._current(node, now_ms))]
        return [statement.data, *others]

    def _current(self, name: str, now_ms: int) -> tuple[Statement, Record] | None:
        found = self._records.get(name)
        return found if found and found[0].expires > now_ms else None
