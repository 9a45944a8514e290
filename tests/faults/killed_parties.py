"""Publishers and subscribers that are killed at any moment, beside a router that is not."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import trio

from byway.clock import now_ms
from byway.node_address import NodeAddress
from byway.protocol.statement import parse_statement
from tests.checker.evidence import SUFFIX
from tests.crash.router_process import ROOT, RouterProcess
from tests.faults.party import PUBLISHER, SUBSCRIBER, effects_of, life_of, noted
from tests.faults.stage import EVIDENCE, Stage, comes_true

PARTIES: Final = ((PUBLISHER, "buyer"), (PUBLISHER, "agent"), (SUBSCRIBER, "seller"), (SUBSCRIBER, "broker"))
APART_S: Final = (0.0, 1.0)
AT_WORK_S: Final = (0.0, 1.0)  # from its first line of evidence to the kill
FIRST_LINE_WITHIN_S: Final = 20.0
FINISH_WITHIN_S: Final = 30.0


class PartyProcess:
    """One of those who take part, in its lives."""

    def __init__(self, kind: str, name: str, folder: Path, at: NodeAddress) -> None:
        self.kind = kind
        self.name = name
        self._folder = folder
        self._at = at
        self._life = 0
        self._process: trio.Process | None = None

    @property
    def witness(self) -> str:
        return life_of(self.name, self._life)

    async def start(self) -> None:
        self._life += 1
        words = [self.kind, self.name, str(self._life), str(self._folder), self._at.node, self._at.address]
        self._process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "tests.faults.party", *words], stdin=subprocess.PIPE, cwd=ROOT
        )

    async def at_work(self) -> bool:
        """Wait until it has something to say; whether it had in time."""
        return await comes_true((self._folder / f"{self.witness}{SUFFIX}").exists, FIRST_LINE_WITHIN_S)

    async def kill(self) -> None:
        """SIGKILL; it is gone when this returns."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def finish(self) -> int | None:
        """Have it finish what it has begun; its exit status, None if that takes too long."""
        assert self._process is not None
        assert self._process.stdin is not None
        await self._process.stdin.aclose()
        with trio.move_on_after(FINISH_WITHIN_S):
            return await self._process.wait()
        return None


async def publishers_and_subscribers_are_killed(stage: Stage) -> None:
    """SIGKILL at any moment, and another life: nothing that has a receipt is lost, and nothing takes effect twice."""
    evidence = stage.folder / EVIDENCE
    async with RouterProcess(stage.place("router")) as router:
        await router.start()
        async with stage.measuring(router) as nemesis:
            parties = [PartyProcess(kind, name, evidence, router.at) for kind, name in PARTIES]
            try:
                for party in parties:
                    await party.start()
                for number in range(stage.times):
                    await trio.sleep(stage.chance.uniform(*APART_S))
                    victim = stage.chance.choice(parties)
                    stage.expect(await victim.at_work(), f"{victim.name} said nothing")
                    await trio.sleep(stage.chance.uniform(*AT_WORK_S))
                    nemesis.note("fault-start", fault=f"kill {number}")
                    await victim.kill()
                    nemesis.note("killed", witness=victim.witness)
                    await victim.start()
                    nemesis.note("fault-stop", fault=f"kill {number}")
                    stage.count(f"{victim.kind}s killed")
                    stage.outcome.faults += 1
                nemesis.note("heal")
                await _finish(stage, evidence, parties)
            finally:
                with trio.CancelScope(shield=True):
                    for party in parties:
                        await party.kill()


async def _finish(stage: Stage, evidence: Path, parties: list[PartyProcess]) -> None:
    """Publishers until everything has its answer, then subscribers until everything has had its effect."""
    publishers = [party for party in parties if party.kind == PUBLISHER]
    subscribers = [party for party in parties if party.kind == SUBSCRIBER]
    for party in parties:
        stage.expect(await party.at_work(), f"{party.name} said nothing")
    promised: dict[bytes, int] = {}
    for party in publishers:
        stage.expect(await party.finish() == 0, f"{party.name} did not see through what it had begun")
        promised |= _promised(evidence, party.name)
    for party in subscribers:
        await comes_true(partial(_all_done, promised, evidence, party.name), FINISH_WITHIN_S)
        stage.expect(await party.finish() == 0, f"{party.name} did not settle what it had got")
    stage.count("receipts", len(promised))


def _promised(evidence: Path, name: str) -> dict[bytes, int]:
    """What has a receipt, and when it expires."""
    expires: dict[bytes, int] = {}
    promised: set[bytes] = set()
    for event, fields in noted(evidence, name):
        if event == "attempt":
            statement = parse_statement(base64.b64decode(fields["statement"]))
            expires[statement.id] = statement.expires
        elif event == "receipt":
            promised.add(base64.b64decode(fields["id"]))
    return {cast: expires[cast] for cast in promised}


def _all_done(promised: Mapping[bytes, int], evidence: Path, name: str) -> bool:
    """Whether everything that is still worth something has had its effect."""
    effects, now = effects_of(evidence, name), now_ms()
    return all(expires <= now for cast, expires in promised.items() if cast not in effects)
