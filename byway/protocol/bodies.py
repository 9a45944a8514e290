"""Which body each kind of statement has (wire-protocol sections 3.1 and 4)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from byway.errors import StatementError
from byway.protocol.acknowledgement import Acknowledgement
from byway.protocol.agreement import Agreement, Decline
from byway.protocol.body import Body
from byway.protocol.close import Close
from byway.protocol.hello import Hello
from byway.protocol.intentcast import Cast
from byway.protocol.mailbox import Mailbox
from byway.protocol.offer import Offer
from byway.protocol.receipt import Head
from byway.protocol.record import Record
from byway.protocol.seal import Sealed
from byway.protocol.statement import Statement

_BODIES: Final = (Cast, Close, Sealed, Mailbox, Head, Acknowledgement, Record, Agreement, Hello, Offer, Decline)

BODIES: Final = MappingProxyType({body.kind: body for body in _BODIES})


def body_of(statement: Statement) -> Body:
    """The body of a statement of any kind.  Raises `StatementError`; `unknown-kind` for the reserved one."""
    body = BODIES.get(statement.kind)
    if body is None:
        raise StatementError(f"a {statement.kind.name.lower()} has no body here yet", code="unknown-kind")
    return body.from_statement(statement)
