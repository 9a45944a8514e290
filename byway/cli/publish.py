"""`byway publish`: an operator's own cast, to see that a router keeps what it promises."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def publish(router: str, topic: str, *, receipt: Path | None = None, hours: int = 1) -> None:
    """Publish an empty cast with a fresh key, and check the receipt.

    Parameters
    ----------
    router:
        The router, as urn:byway:node:KEY@HOST:PORT.
    topic:
        The topic, for example open:check, or its URN.
    receipt:
        Keep the receipt in this file.
    hours:
        How long the cast lives.
    """
    import trio
    from nacl.signing import SigningKey

    from byway.clock import now_ms
    from byway.errors import Refused, SetupError, StatementError
    from byway.link.client import connect
    from byway.link.dialer import open_link
    from byway.node_address import parse_node_address
    from byway.protocol.intentcast import make_cast
    from byway.protocol.limits import HOUR_MS
    from byway.protocol.seal import SUITE, public_reply_key
    from byway.protocol.statement import LONGEST_LIFETIME_MS, Kind
    from byway.topic_text import parse_topic_text

    at = parse_node_address(router)
    try:
        to = parse_topic_text(topic)
    except StatementError as error:
        raise SetupError(str(error), code=error.code, next_step=f"byway publish {at} open:check") from None
    longest = LONGEST_LIFETIME_MS[Kind.CAST] // HOUR_MS - 1  # its times are rounded outwards
    if not 1 <= hours <= longest:
        raise SetupError(
            f"a cast lives 1 to {longest} hours, not {hours}",
            code="bad-request",
            next_step=f"byway publish {at} {topic} --hours 1",
        )
    key = SigningKey.generate()
    cast = make_cast(
        key,
        to=to,
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
                folder = shlex.quote(str(receipt.parent))
                raise SetupError(
                    f"the cast is published, but its receipt cannot be written to {receipt}: {error.strerror}",
                    code="data-unwritable",
                    next_step=f"df -h {folder}; ls -ld {folder}",
                ) from None
            print(f"kept        {receipt}")

    trio.run(main)
