"""The two ends of an open link, without a link between them."""

from __future__ import annotations

from typing import NamedTuple

from byway.link.opening import VERSIONS
from byway.protocol.connection import Connection, Role
from byway.protocol.fields import NONCE_BYTES
from byway.protocol.frames import Credit, Hello, Start
from byway.protocol.limits import SUBMIT_CREDIT
from byway.protocol.statement import MIN_STATEMENT_BYTES
from byway.protocol.urn import KEY_BYTES, node_urn


class Ends(NamedTuple):
    client: Connection
    server: Connection


def open_connections() -> Ends:
    """Both have said their hellos, and the client may submit.  Who they are is not looked at here."""
    ends = Ends(Connection(Role.CLIENT), Connection(Role.SERVER))
    start = Start(VERSIONS, node_urn(bytes(KEY_BYTES)), bytes(NONCE_BYTES))
    hello = Hello(bytes(MIN_STATEMENT_BYTES))
    ends.server.receive(ends.client.send(start))
    for frame in (start, hello):
        ends.client.receive(ends.server.send(frame))
    ends.server.receive(ends.client.send(hello))
    ends.client.receive(ends.server.send(Credit(None, SUBMIT_CREDIT)))
    return ends
