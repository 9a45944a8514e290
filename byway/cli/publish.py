"""`byway publish`: an operator's own cast, to see that a router keeps what it promises."""

from __future__ import annotations

import os
from pathlib import Path


def publish(router: str, topic: str, *, receipt: Path | None = None, hours: int = 1) -> None:
    """Publish an empty cast with a fresh key, and check the receipt.

    Parameters
    ----------
    router:
        The router, as urn:byway:node:KEY@HOST:PORT.
    topic:
        The topic's URN, for example urn:byway:topic:open:check.
    receipt:
        Keep the receipt in this file.
    hours:
        How long the cast lives.
    """
    import trio
    from nacl.signing import SigningKey

    from byway.clock import now_ms
    from byway.errors import Refused, SetupError
    from byway.link.client import connect
    from byway.link.dialer import open_link
    from byway.node_address import parse_node_address
    from byway.protocol.intentcast import make_cast
    from byway.protocol.limits import HOUR_MS
    from byway.protocol.seal import SUITE, public_reply_key

    at = parse_node_address(router)
    key = SigningKey.generate()
    cast = make_cast(
        key,
        to=topic,
        facets={},
        demand={"@type": "Demand", "name": "a check by the operator"},
        reply=[(SUITE, public_reply_key(os.urandom(32)))],
        authority=at.node,
        offers=1,
        terms=[],
        now_ms=now_ms(),
        lifetime_ms=hours * HOUR_MS,
    )

    async def main() -> None:
        async with (
            open_link(at.address, node=at.node, key=key, now_ms=now_ms, random=os.urandom) as link,
            connect(link) as client,
        ):
            (answer,) = await client.submit([cast])
        if isinstance(answer, Refused):
            raise answer
        head = answer.verify(cast.id, at.key)
        print(f"published   {cast.urn}")
        print(f"receipt     sequence {answer.sequence}, commit {head.size}, durable as {head.durable}")
        if receipt is not None:
            try:
                await trio.Path(receipt).write_bytes(answer.to_bytes())
            except OSError as error:
                raise SetupError(f"the receipt cannot be written to {receipt}: {error.strerror}") from None
            print(f"kept        {receipt}")

    trio.run(main)
