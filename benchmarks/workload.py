"""What is sent: casts of people who want a home, signed beforehand; how it is sent; and the cost of verifying one."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from nacl.signing import SigningKey

from benchmarks.router_process import RouterProcess
from byway.clock import now_ms
from byway.link.client import Client, connect
from byway.link.dialer import open_link
from byway.protocol.facets import parse_facets
from byway.protocol.intentcast import make_cast
from byway.protocol.limits import DAY_MS
from byway.protocol.statement import Statement, is_signed
from byway.protocol.urn import node_urn

TOPIC: Final = "urn:byway:topic:open:homes:boston"
PATTERN: Final = "open:homes:**"
SAMPLE: Final = 200


def casts(count: int) -> list[Statement]:
    """`count` casts of the smallest size class, each by a key of its own, as people make them."""
    authority = node_urn(bytes(SigningKey(bytes(32)).verify_key))
    facets = parse_facets({"beds": ["integer", 2, None], "price": ["money", "USD", None, 80_000_000]})
    now = now_ms()
    return [
        make_cast(
            SigningKey.generate(),
            to=TOPIC,
            facets=facets,
            demand={"@type": "Demand", "name": f"a home, wish {number}"},
            reply=[(1, bytes([1]) * 32)],
            authority=authority,
            offers=25,
            terms=[],
            now_ms=now,
            lifetime_ms=DAY_MS,
        )
        for number in range(count)
    ]


@asynccontextmanager
async def connected(router: RouterProcess) -> AsyncGenerator[Client]:
    """A client on a link of its own, with a key of its own."""
    key = SigningKey.generate()
    async with (
        open_link(router.at.address, node=router.at.node, key=key, now_ms=now_ms, random=os.urandom) as link,
        connect(link) as client,
    ):
        yield client


def verification_s(sample: Statement) -> float:
    """CPU seconds that this machine needs right now for one libsodium verification of `sample`."""
    started = time.thread_time()
    for _ in range(SAMPLE):
        is_signed(sample.data)
    return (time.thread_time() - started) / SAMPLE
