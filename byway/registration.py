"""A node tells addressing authorities where it is: it signs its own record and hands it in like any statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import structlog
import trio
from nacl.signing import SigningKey

from byway.errors import BywayError, Refused
from byway.link.client import connect
from byway.link.dialer import open_link
from byway.node_address import NodeAddress
from byway.protocol.limits import DAY_MS
from byway.protocol.record import Record
from byway.protocol.statement import Statement
from byway.protocol.urn import node_urn

log = structlog.get_logger()

TTL_S: Final = 3600
LIFETIME_MS: Final = 30 * DAY_MS
AGAIN_AFTER_S: Final = 24 * 3600.0  # long before the record runs out
RETRY_FIRST_S: Final = 1.0
RETRY_MOST_S: Final = 60.0


def node_record(key: SigningKey, *, role: str, addresses: Sequence[str], now_ms: int) -> Statement:
    """The record of a node about itself.  Its serial is the time, so that the newest one counts."""
    record = Record.from_wire(
        {
            "name": node_urn(bytes(key.verify_key)),
            "serial": now_ms,
            "ttl": TTL_S,
            "role": role,
            "addresses": list(addresses),
        }
    )
    return record.sign(key, created=now_ms, expires=now_ms + LIFETIME_MS)


async def keep_registered(
    authority: NodeAddress,
    *,
    key: SigningKey,
    role: str,
    addresses: Sequence[str],
    now_ms: Callable[[], int],
    random: Callable[[int], bytes],
) -> None:
    """Keep this node's record at `authority` until cancelled.  An authority that is away is tried again."""
    wait_s = RETRY_FIRST_S
    while True:
        try:
            record = node_record(key, role=role, addresses=addresses, now_ms=now_ms())
            async with (
                open_link(authority.address, node=authority.node, key=key, now_ms=now_ms, random=random) as link,
                connect(link) as client,
            ):
                (answer,) = await client.submit([record])
            if isinstance(answer, Refused):
                raise answer
        except* BywayError as errors:
            log.warning("not_registered", at=str(authority), reasons=[str(error) for error in errors.exceptions])
            await trio.sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_MOST_S)
        else:
            log.info("registered", at=str(authority), addresses=list(addresses))
            wait_s = RETRY_FIRST_S
            await trio.sleep(AGAIN_AFTER_S)
