"""More offers than a buyer asked for: of one seller, and of many."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import trio
from nacl.signing import SigningKey

from byway.errors import Refused
from byway.protocol.statement import Statement
from byway.protocol.urn import mailbox_urn
from tests.checker.evidence import Witness
from tests.checker.witnesses import Effects
from tests.crash.router_process import ROOT, RouterProcess
from tests.faults.authority_process import messaging_process
from tests.faults.crowds import ATTACKERS_NICED, LATENCY_MOST, slow_end
from tests.faults.sellers import Sellers, make_mailbox, new_key
from tests.faults.stage import EVIDENCE, Stage

QUOTA: Final = 50  # messages that a buyer asks her mailbox to take
KEPT: Final = QUOTA // 4  # of those, for sellers who bring a stamp
MAILBOX_BYTES: Final = 1_000_000
BY_ONE: Final = 15_000  # for longer than the honest need beside it
SELLERS: Final = 1000
BY_EACH: Final = 10
OTHERS: Final = 4
OF_OTHERS: Final = 15  # before the flood, and as many beside it
EVERY_S: Final = 0.15
QUICK_MS: Final = 40.0  # five times less than this says little
COLLECT_S: Final = 1.5  # of silence, and then there is nothing more
SUB: Final = "mailbox"
SETTINGS: Final[dict[str, Any]] = {"handshakes_per_s_per_prefix": 1000.0}
CODES: Final = frozenset(["busy", "mailbox-full", "older-serial"])


async def many_offers(stage: Stage) -> None:
    """One buyer is offered far more than she asked for, while she is away; other buyers notice nothing of it."""
    async with messaging_process(stage.place("authority"), **SETTINGS) as authority:
        await authority.start()
        async with stage.measuring(authority) as witness:
            honest = Sellers(authority.at, witness, stage.chance, source="127.2.8.1")
            flooded, *others = (new_key(stage.chance) for _ in range(1 + OTHERS))
            for buyer in (flooded, *others):
                await _open_mailbox(honest, authority, buyer)
            quiet_ms = await _deals(honest, others)
            async with _flood(stage, authority, flooded) as told:
                busy_ms = await _deals(honest, others)
            _compare(stage, witness, quiet_ms, busy_ms, told)
            late = [await honest.one_more(bytes(flooded.verify_key)) for _ in range(KEPT + 1)]
            stage.expect(late == [[]] * KEPT + [["mailbox-full"]], f"sellers with a stamp were told {late}")
            offers = await _collect(honest, authority, witness, flooded)
            signers = {offer.signer for offer in offers}
            for what, value in (
                ("offers that came to a buyer who was offered too many", len(offers)),
                ("sellers whose offers came to her", len(signers)),
            ):
                witness.note("measured", what=what, value=value, most=QUOTA)
            stage.expect(len(offers) == QUOTA, f"{len(offers)} offers came where there was room for {QUOTA}")
            for buyer in others:
                came = len(await _collect(honest, authority, witness, buyer))
                stage.expect(came == 2 * OF_OTHERS, f"{came} of {2 * OF_OTHERS} offers came to a buyer not flooded")
            stage.outcome.faults += 2
            stage.count(ATTACKERS_NICED)
            stage.count("offers that came", len(offers))


async def _deals(honest: Sellers, buyers: Sequence[SigningKey]) -> float:
    """Sellers with one offer each, for each of these; milliseconds from dialing to the receipt, the slowest."""
    took: list[float] = []

    async def one_after_another(buyer: SigningKey, wait_s: float) -> None:
        await trio.sleep(wait_s)
        for _ in range(OF_OTHERS):
            began = trio.current_time()
            refused = await honest.one_more(bytes(buyer.verify_key))
            took.append(1000 * (trio.current_time() - began))
            assert not refused, refused
            await trio.sleep(EVERY_S)

    async with trio.open_nursery() as nursery:
        for number, buyer in enumerate(buyers):
            nursery.start_soon(one_after_another, buyer, EVERY_S * number / len(buyers))
    return slow_end(took)


@asynccontextmanager
async def _flood(stage: Stage, authority: RouterProcess, buyer: SigningKey) -> AsyncGenerator[Counter[str]]:
    """Sellers who offer too much, from before the block to when each of their offers is answered; what they told."""
    told: Counter[str] = Counter()
    words = [
        authority.at.address,
        authority.at.node,
        str(stage.folder / EVIDENCE),
        mailbox_urn(bytes(buyer.verify_key)),
    ]
    numbers = [str(number) for number in (BY_ONE, SELLERS, BY_EACH)]
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "tests.faults.seller_crowd", *words, *numbers], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        await process.stdout.receive_some()
        yield told
        stage.expect(process.poll() is None, "the flood was over before the honest had had their offers answered")
        text = b""
        while piece := await process.stdout.receive_some():
            text += piece
        told.update(json.loads(text))
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


def _compare(stage: Stage, witness: Witness, quiet_ms: float, busy_ms: float, told: Counter[str]) -> None:
    times = busy_ms / max(quiet_ms, QUICK_MS)
    what = "latency of offers to others at the 99th of a hundred, times undisturbed"
    witness.note("measured", what=what, value=round(times, 2), most=LATENCY_MOST)
    strange = told.keys() - CODES - {"handed in"}
    stage.expect(not strange, f"offers were refused as {sorted(strange)}")
    handed_in = told.pop("handed in")
    stage.outcome.counts |= {
        "offers handed in": handed_in,
        "ms for an offer to somebody else, undisturbed": round(quiet_ms),
        "ms for an offer to somebody else": round(busy_ms),
    }
    stage.outcome.counts |= {f"refused as {code}": count for code, count in told.items()}


async def _open_mailbox(sellers: Sellers, authority: RouterProcess, buyer: SigningKey) -> None:
    async with sellers.client(buyer) as client:
        (answer,) = await client.submit([make_mailbox(authority.at, buyer, messages=QUOTA, size=MAILBOX_BYTES)])
    assert not isinstance(answer, Refused), answer.code


async def _collect(sellers: Sellers, authority: RouterProcess, witness: Witness, buyer: SigningKey) -> list[Statement]:
    """Everything that waits for her, each handled once."""
    found: list[Statement] = []
    effects = Effects(witness, authority.at.node, bytes(buyer.verify_key), SUB, set())
    mailbox = mailbox_urn(bytes(buyer.verify_key))
    async with sellers.client(buyer) as client, client.subscribe(SUB, mailbox) as subscription:
        while True:
            with trio.move_on_after(COLLECT_S) as waiting:
                delivery = await subscription.receive()
            if waiting.cancelled_caught:
                await subscription.settled()
                return found
            effects.take(subscription, delivery)
            found.append(delivery.statement)
