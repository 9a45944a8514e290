"""A router that is killed at random moments under load keeps every promise, round after round.

`ROUNDS=1000 pytest tests/crash` runs it longer, `SEED=...` repeats a run as far as processes can be repeated.
N rounds without a fault say that at 95 % confidence fewer than 3 in N kills lose something.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Final

import pytest
import trio

from byway.clock import now_ms
from tests.crash.broken_client import hand_on_twice
from tests.crash.checker import faults
from tests.crash.evidence import Evidence, Wish
from tests.crash.parties import Publisher, Subscriber, seeded
from tests.crash.router_process import RouterProcess

ROUNDS: Final = int(os.environ.get("ROUNDS", "20"))
ROUNDS_WITH_A_BUG: Final = 2
PUBLISHERS: Final = 3
LOAD: Final = (0, 120)  # receipts from ready to the kill, as far as they come within LOAD_WITHIN_S
LOAD_WITHIN_S: Final = 2.0
MOMENT_S: Final = (0.0, 0.05)  # and that little later
HASTE: Final = 0.2  # so often it is not waited for ready
HASTE_S: Final = (0.0, 1.0)
DRAIN_WITHIN_S: Final = 20.0

EXACT = Wish("exact", "open:homes:boston")
ONE = Wish("one", "open:homes:*")
REST = Wish("rest", "open:**")
CHOOSY = Wish("choosy", "open:homes:**", beds=2)
AWAY = Wish("away", "open:food:**")
WISHES: Final = [EXACT, ONE, REST, CHOOSY, AWAY]


async def run_rounds(
    router: RouterProcess,
    rounds: int,
    chance: Random,
    *,
    receipts: tuple[int, int] = LOAD,
    load_within_s: float = LOAD_WITHIN_S,
    haste: float = HASTE,
    drain_within_s: float = DRAIN_WITHIN_S,
) -> Evidence:
    """Kill and restart the router under load, then let everybody finish, and stop it."""
    evidence = Evidence(now_ms, WISHES, router.folder)
    publishers = [Publisher(router.at, evidence, seeded(chance.random())) for _ in range(PUBLISHERS)]
    subscribers = [
        Subscriber(router.at, evidence, seeded(chance.random()), EXACT),
        Subscriber(router.at, evidence, seeded(chance.random()), ONE, clumsy=0.1),
        Subscriber(router.at, evidence, seeded(chance.random()), REST),
        Subscriber(router.at, evidence, seeded(chance.random()), CHOOSY),
        Subscriber(router.at, evidence, seeded(chance.random()), AWAY, stays_s=0.4, away_s=1.5),
    ]
    async with trio.open_nursery() as parties:
        for subscriber in subscribers:
            parties.start_soon(subscriber.run)
        async with trio.open_nursery() as publishing:
            for publisher in publishers:
                publishing.start_soon(publisher.run)
            for _ in range(rounds):
                await router.begin()
                if chance.random() < haste:
                    await trio.sleep(chance.uniform(*HASTE_S))
                else:
                    await router.ready()
                    await load(evidence, chance.randint(*receipts), load_within_s)
                    await trio.sleep(chance.uniform(*MOMENT_S))
                await router.kill()
            await router.start()
            for publisher in publishers:
                publisher.ends = True
        with trio.move_on_after(drain_within_s):
            await evidence.until(lambda: not evidence.missing())
        parties.cancel_scope.cancel()
    assert await router.stop() == 0
    return evidence


async def load(evidence: Evidence, receipts: int, within_s: float) -> None:
    """Wait for so many more receipts."""
    goal = len(evidence.receipts) + receipts
    with trio.move_on_after(within_s):
        await evidence.until(lambda: len(evidence.receipts) >= goal)


@pytest.mark.slow
async def test_every_receipted_cast_reaches_every_subscriber_although_the_router_is_killed(tmp_path: Path) -> None:
    seed = os.environ.get("SEED", os.urandom(8).hex())
    print(f"seed {seed}, {ROUNDS} rounds")  # noqa: T201 - pytest shows it when the test fails
    async with RouterProcess(tmp_path) as router:
        evidence = await run_rounds(router, ROUNDS, seeded(seed))

    assert faults(evidence, router.at.key, tmp_path / "store.db") == []
    assert "Traceback" not in router.errors()
    assert len(evidence.receipts) > 10 * ROUNDS, "there was no load to speak of"
    assert evidence.began_again > ROUNDS, "nobody noticed the kills"


@pytest.mark.slow
@pytest.mark.parametrize(
    "bugs",
    [
        {
            "receipt_before_commit": "was shown and is not in the store",
            "delivery_after_expiry": "ms after it expired",
        },
        {"cursor_before_ack": "has a receipt and never came to"},
        {"forgotten_delivery": "has a receipt and never came to"},
        {"repeats_forgotten": "has receipts for two sequences"},
    ],
    ids=" and ".join,
)
async def test_a_bug_in_the_router_turns_the_test_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bugs: dict[str, str]
) -> None:
    monkeypatch.setenv("BUGS", " ".join(bugs))

    async with RouterProcess(tmp_path, module="tests.crash.broken_router") as router:
        evidence = await run_rounds(
            router,
            ROUNDS_WITH_A_BUG,
            seeded(str(bugs)),
            receipts=(80, 160),
            load_within_s=30.0,
            haste=0,
            drain_within_s=1.0,
        )

    found = faults(evidence, router.at.key, tmp_path / "store.db")
    for bug, fault in bugs.items():
        assert any(fault in sentence for sentence in found), f"{bug} was not seen"


@pytest.mark.slow
async def test_a_client_library_that_hands_on_each_cast_twice_turns_the_test_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_on_twice(monkeypatch)

    async with RouterProcess(tmp_path) as router:
        evidence = await run_rounds(router, 1, seeded("twice"), receipts=(30, 60), haste=0)

    found = faults(evidence, router.at.key, tmp_path / "store.db")
    assert {sentence.partition(" took effect ")[2] for sentence in found} == {
        f"2 times at {wish.sub}" for wish in WISHES
    }
