"""The programs in `examples/` run as they stand, against a router and a messaging authority in processes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey

import intentron
from byway.protocol.intentcast import Cast
from byway.protocol.limits import HOUR_MS
from byway.protocol.ranges import Money
from intentron.demo.ground import start_ground
from intentron.demo.processes import Daemon

ROOT = Path(__file__).parent.parent.parent
BUYER = ROOT / "examples" / "buyer.py"
WITHIN_S = 120  # on a busy machine; it ends with the offer
WISH = ("open:homes:boston", "beds=2", "price=..800000 USD")
PROPOSAL = intentron.Proposal({"@type": "Offer", "name": "a condo near the park"}, Money("USD", 70_000_000, 70_000_000))


@pytest.mark.slow
async def test_the_buyer_prints_the_offer_that_a_seller_makes(tmp_path: Path) -> None:
    everybody: list[Daemon] = []
    try:
        with trio.fail_after(WITHIN_S):
            ground = await start_ground(tmp_path, everybody)
            command = [sys.executable, str(BUYER), str(ground.router), str(ground.messaging)]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sell, str(ground.router), str(ground.messaging))
                done = await trio.run_process(
                    [*command, *WISH, "--offers", "1", "--seconds", str(WITHIN_S)],
                    capture_stdout=True,
                    env={"PYTHONPATH": str(ROOT)},
                )
                nursery.cancel_scope.cancel()
    finally:
        for daemon in everybody:
            await daemon.kill()

    said = done.stdout.decode()
    assert re.fullmatch(r"published [0-9a-f]{64}\noffer a condo near the park 700,000\.00 USD\nclosed\n", said)


def test_the_heart_of_the_buyer_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)
    program = {line.strip() for line in BUYER.read_text(encoding="utf-8").splitlines()}

    assert len(blocks) == 1
    assert [line for line in blocks[0].splitlines() if line.strip() not in program] == []


async def sell(router: str, messaging: str) -> None:
    """Offer something to each wish that comes."""
    at, authority = intentron.parse_node_address(router), intentron.parse_node_address(messaging)
    async with (
        intentron.connect(router=at, messaging=authority) as byway,
        byway.subscribe("open:homes:**", "beds >= 2", key=SigningKey.generate(), sub="homes", router=at) as heard,
    ):
        async for each in heard:
            if isinstance(each.body, Cast):
                await byway.offer(
                    each.statement,
                    PROPOSAL,
                    key=SigningKey.generate(),
                    outer_key=SigningKey.generate(),
                    outer_reply_secret=bytes(range(32)),
                    lifetime_ms=HOUR_MS,
                )
