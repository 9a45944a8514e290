"""`byway run` on a store that has been rolled back, and beside a clock that has jumped."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from byway.clock import MAX_AWAY_MS, now_ms
from byway.errors import Refused
from byway.link.client import Client, connect
from byway.link.dialer import open_link
from byway.protocol.intentcast import make_cast
from byway.protocol.limits import DAY_MS, HOUR_MS
from byway.protocol.receipt import Receipt
from byway.protocol.seal import SUITE, public_reply_key
from byway.protocol.statement import Statement
from byway.protocol.urn import node_urn
from byway.store.high_water import HIGH_WATER_FILE, HighWaterFile
from byway.store.sqlite.store import SKIPPED, STORE_FILE
from tests.crash.router_process import RouterProcess

pytestmark = pytest.mark.slow

ENDS_WITHIN_S = 20.0


def a_cast(router: RouterProcess) -> Statement:
    return make_cast(
        SigningKey.generate(),
        to="urn:byway:topic:open:homes:boston",
        facets={},
        demand={"@type": "Demand"},
        reply=[(SUITE, public_reply_key(os.urandom(32)))],
        authority=router.at.node,
        offers=1,
        terms=[],
        now_ms=now_ms(),
        lifetime_ms=HOUR_MS,
    )


@asynccontextmanager
async def client_of(router: RouterProcess, key: SigningKey | None = None) -> AsyncGenerator[Client]:
    at = router.at
    key = key or SigningKey.generate()
    async with (
        open_link(at.address, node=at.node, key=key, now_ms=now_ms, random=os.urandom) as link,
        connect(link) as client,
    ):
        yield client


async def publish(router: RouterProcess, cast: Statement) -> Receipt | Refused:
    async with client_of(router) as client:
        (answer,) = await client.submit([cast])
    return answer


async def receipt_of(router: RouterProcess, cast: Statement) -> Receipt:
    receipt = await publish(router, cast)
    assert isinstance(receipt, Receipt)
    return receipt


async def test_a_backup_that_was_put_back_waits_for_its_operator(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        kept, lost = a_cast(router), a_cast(router)
        first = await receipt_of(router, kept)
        await router.stop()
        shutil.copy(tmp_path / STORE_FILE, tmp_path / "backup")
        await router.start()
        assert not router.facts.keys() & {"in", "read-only", "unknown", "new"}
        second = await receipt_of(router, lost)
        await router.stop()
        shutil.copy(tmp_path / "backup", tmp_path / STORE_FILE)

        await router.start()
        assert router.facts["in"].startswith("doubt    commit 2, statement 2: ")
        assert router.facts["read-only"]
        assert router.facts["next"].endswith(f"byway run {router.settings} --begin-chain")
        refused = await publish(router, lost)
        assert isinstance(refused, Refused)
        assert refused.code == "store-rolled-back"
        assert await receipt_of(router, kept) == first
        async with client_of(router) as client, client.subscribe("homes", "open:homes:**") as subscription:
            assert (await subscription.receive()).statement.data == kept.data
        await router.stop()

        await router.start("--begin-chain")
        assert router.facts["new"].startswith("chain ")
        third = await receipt_of(router, lost)
        await router.stop()

        await router.start()
        assert not router.facts.keys() & {"in", "read-only", "unknown", "new"}
        assert [await receipt_of(router, kept), await receipt_of(router, lost)] == [first, third]
    heads = [each.verify(cast.id, bytes(router.key.verify_key)) for each, cast in ((first, kept), (third, lost))]
    assert heads[0].chain != heads[1].chain
    assert (heads[1].previous, heads[1].size) == (first.head.id, 1)
    assert third.sequence == second.sequence + 1 + SKIPPED


async def test_a_damaged_last_commit_waits_for_its_operator_and_costs_its_receipts_alone(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        kept, damaged, new = a_cast(router), a_cast(router), a_cast(router)
        first, second = await receipt_of(router, kept), await receipt_of(router, damaged)
        await router.stop()
        with closing(sqlite3.connect(tmp_path / STORE_FILE)) as store:
            store.execute("UPDATE commits SET head = zeroblob(length(head)) WHERE number = 2")
            store.commit()

        await router.begin()
        assert await router.ended(ENDS_WITHIN_S) == 1
        assert "[chain-damaged]" in router.errors()
        assert f"once: byway run {router.settings} --begin-chain" in router.errors()

        await router.start("--begin-chain")
        assert router.facts["in"].startswith("doubt    statement 2: ")
        assert router.facts["new"].startswith("chain ")
        assert await receipt_of(router, kept) == first
        refused = await publish(router, damaged)
        assert isinstance(refused, Refused)
        assert refused.code == "damaged"
        third = await receipt_of(router, new)
        async with client_of(router) as client, client.subscribe("homes", "open:homes:**") as subscription:
            received = [(await subscription.receive()).statement.data for _ in range(3)]
        assert received == [kept.data, damaged.data, new.data]
        await router.stop()

        await router.start()
        assert not router.facts.keys() & {"in", "read-only", "unknown", "new"}
        assert await receipt_of(router, new) == third
    head = third.verify(new.id, bytes(router.key.verify_key))
    assert (head.previous, head.size) == (first.head.id, 1)
    assert third.sequence > second.sequence + SKIPPED


async def test_a_cursor_that_has_moved_on_the_disk_loses_its_subscriber_nothing(tmp_path: Path) -> None:
    key = SigningKey.generate()
    async with RouterProcess(tmp_path) as router:
        await router.start()
        async with client_of(router, key) as client, client.subscribe("homes", "open:homes:**"):
            pass
        await router.stop()
        with closing(sqlite3.connect(tmp_path / STORE_FILE)) as store:
            store.execute("UPDATE cursors SET through = through + 1024")
            store.commit()

        await router.start()
        assert "subscription_damaged" in router.errors()
        assert node_urn(bytes(key.verify_key)) in router.errors()
        cast = a_cast(router)
        await receipt_of(router, cast)
        async with client_of(router, key) as client, client.subscribe("homes", "open:homes:**") as subscription:
            assert (await subscription.receive()).statement.data == cast.data


async def test_a_killed_router_raises_no_alarm_and_a_lost_high_water_file_is_told(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        await receipt_of(router, a_cast(router))
        await router.kill()

        await router.start()
        assert not router.facts.keys() & {"in", "read-only", "unknown", "new"}
        await router.kill()
        (tmp_path / HIGH_WATER_FILE).unlink()

        await router.start()
        assert HIGH_WATER_FILE in router.facts["unknown"]
        await receipt_of(router, a_cast(router))


@pytest.mark.parametrize("away", [MAX_AWAY_MS + DAY_MS, -2 * DAY_MS])
async def test_a_clock_far_from_what_the_node_remembers_is_believed_when_its_operator_says_so(
    away: int, tmp_path: Path
) -> None:
    """It is this clock that decides what has expired: a cast of today is dated in the future, or has expired."""
    async with RouterProcess(tmp_path) as router:
        await router.start()
        await receipt_of(router, a_cast(router))
        await router.stop()
        file = HighWaterFile(tmp_path / HIGH_WATER_FILE)
        assert file.found is not None
        file.write(file.found._replace(clock_ms=now_ms() - away))
        file.close()

        await router.start()
        refused = await publish_with(router, away)
        assert refused.code == ("future-dated" if away > 0 else "expired")
        assert router.errors().count("clock-jumped") == 1
        assert f"byway run {router.settings} --believe-clock" in router.errors()
        await router.stop()

        await router.start("--believe-clock")
        await receipt_of(router, a_cast(router))
        await router.stop()
        await router.start()
        await receipt_of(router, a_cast(router))


async def publish_with(router: RouterProcess, away: int) -> Refused:
    """The answer to a cast of today, on a link whose hello is of the time that the router goes by."""
    at = router.at
    async with (
        open_link(
            at.address,
            node=at.node,
            key=SigningKey.generate(),
            now_ms=lambda: now_ms() - away,
            random=os.urandom,
        ) as link,
        connect(link) as client,
    ):
        (answer,) = await client.submit([a_cast(router)])
    assert isinstance(answer, Refused)
    return answer
