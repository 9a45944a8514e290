"""An authority in a process of its own, in the place of a router, and what it can be told of a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from nacl.signing import SigningKey

from authorities.settings import AddressingSettings, MessagingSettings
from byway.clock import now_ms
from byway.protocol.limits import DAY_MS, MINUTE_MS
from byway.protocol.record import Record
from byway.protocol.statement import Statement
from tests.crash.router_process import RouterProcess

TTL_S: Final = 3600


def addressing_process(folder: Path, **settings: Any) -> RouterProcess:
    """One that answers for names."""
    return RouterProcess(folder, module="authorities addressing", model=AddressingSettings, **settings)


def messaging_process(folder: Path, **settings: Any) -> RouterProcess:
    """One that keeps mailboxes."""
    return RouterProcess(folder, module="authorities messaging", model=MessagingSettings, **settings)


def make_record(key: SigningKey, name: str, **fields: object) -> Statement:
    """A record of now about the name; a later one replaces it."""
    now = now_ms()
    body = Record.from_wire({"name": name, "serial": now, "ttl": TTL_S} | fields)
    return body.sign(key, created=now - MINUTE_MS, expires=now + DAY_MS)
