"""The programs in `examples/` run as they stand, against a router and a messaging authority in processes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey

import intentron
from byway.protocol.intentcast import Cast
from byway.protocol.limits import HOUR_MS
from byway.protocol.ranges import Money
from byway.protocol.urn import node_urn
from intentron.demo.ground import start_ground
from intentron.demo.processes import Daemon

ROOT = Path(__file__).parent.parent.parent
BUYER = ROOT / "examples" / "buyer.py"
AT = f"{node_urn(bytes(32))}@127.0.0.1:1"
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


@pytest.mark.parametrize(
    ("words", "sentence", "next_step"),
    [
        (("ROUTER", AT, *WISH), "'ROUTER' is not a node address", 'copy it from the line "others use"'),
        ((AT, AT, "open:Homes"), "small letters only", "write it as open:homes"),
        ((AT, AT, "homes"), "a topic is written open:homes:boston", "write it as open:homes"),
        ((AT, AT, "open:homes", "beds==2"), "beds: '=2' is neither a number", "write it as beds=2.."),
        ((AT, AT, "open:homes", "--offers", "0"), "offers", "python examples/buyer.py --help"),
        (
            (AT, AT, "open:homes", "--seconds", "1"),
            "nobody has signed for the wish within 1 s",
            "see that both nodes run",
        ),
    ],
)
async def test_what_the_buyer_cannot_do_is_told_in_a_sentence(
    words: tuple[str, ...], sentence: str, next_step: str
) -> None:
    done = await run_buyer(*words)

    *_, error, told = done.stderr.decode().splitlines()
    assert error.startswith("error   ")
    assert sentence in error
    assert told.startswith(f"next    {next_step}")
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1


@pytest.mark.slow
@pytest.mark.usefixtures("signals_heard")
async def test_the_buyer_says_so_when_the_nodes_are_swapped_and_stops_quietly(tmp_path: Path) -> None:
    everybody: list[Daemon] = []
    try:
        with trio.fail_after(WITHIN_S):
            ground = await start_ground(tmp_path, everybody)
            swapped = await run_buyer(str(ground.messaging), str(ground.router), *WISH)
            async with trio.open_nursery() as nursery:
                command = [sys.executable, str(BUYER), str(ground.router), str(ground.messaging), *WISH]
                waiting: trio.Process = await nursery.start(
                    partial(
                        trio.run_process,
                        command,
                        capture_stdout=False,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                        check=False,
                    )
                )
                assert waiting.stdout is not None
                assert waiting.stderr is not None
                said = b""
                while b"published" not in said:
                    said += await waiting.stdout.receive_some()
                waiting.send_signal(signal.SIGINT)
                told = b"".join([part async for part in waiting.stderr])
    finally:
        for daemon in everybody:
            await daemon.kill()

    assert b"error   " in swapped.stderr
    assert b"next    see that ROUTER is the router and MESSAGING the messaging authority" in swapped.stderr
    assert b"Traceback" not in swapped.stderr
    assert told == b"stopped; the wish ends by itself within the hour\n"
    assert waiting.returncode == 130


async def run_buyer(*words: str) -> subprocess.CompletedProcess[bytes]:
    return await trio.run_process(
        [sys.executable, str(BUYER), *words],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )


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
