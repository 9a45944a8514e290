"""`byway run` as an operator meets it: what it says, how it stops, and what it says when it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey

from byway.clock import now_ms
from byway.errors import LinkError, Refused
from byway.link.client import Client, connect
from byway.link.dialer import open_link
from byway.link.subscription import Subscription
from byway.node_address import NodeAddress
from byway.protocol.intentcast import make_cast
from byway.protocol.limits import HOUR_MS
from byway.protocol.receipt import Receipt
from byway.protocol.seal import SUITE, public_reply_key
from byway.protocol.statement import Statement
from byway.protocol.urn import node_urn
from byway.store.sqlite.store import open_store
from tests.crash.router_process import ROOT, RouterProcess, free_port

pytestmark = pytest.mark.slow

SELLER = SigningKey(bytes([5]) * 32)
TOPIC = "urn:byway:topic:open:homes:boston"
MORE_THAN_ANY_DISK = 2**60
ON_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "byway", "run", sys.argv[1]])
"""


def a_cast(at: NodeAddress) -> Statement:
    return make_cast(
        SigningKey.generate(),
        to=TOPIC,
        facets={},
        demand={"@type": "Demand"},
        reply=[(SUITE, public_reply_key(os.urandom(32)))],
        authority=at.node,
        offers=1,
        terms=[],
        now_ms=now_ms(),
        lifetime_ms=HOUR_MS,
    )


@asynccontextmanager
async def client_of(router: RouterProcess, key: SigningKey = SELLER) -> AsyncGenerator[Client]:
    at = router.at
    async with (
        open_link(at.address, node=at.node, key=key, now_ms=now_ms, random=os.urandom) as link,
        connect(link) as client,
    ):
        yield client


async def publish(router: RouterProcess, casts: Sequence[Statement]) -> list[Receipt | Refused]:
    async with client_of(router, SigningKey.generate()) as client:
        return await client.submit(casts)


async def collect(router: RouterProcess, count: int) -> list[bytes]:
    """Subscribe, take that many deliveries, and have them acked for good."""
    async with client_of(router) as client, client.subscribe("homes", "open:homes:**") as subscription:
        found: list[bytes] = []
        with trio.fail_after(10):
            while len(found) < count:
                delivery = await subscription.receive()
                found.append(delivery.statement.data)
                subscription.ack(delivery)
        with trio.fail_after(10):
            await subscription.settled()
        return found


async def last_of(subscription: Subscription) -> None:
    """Take deliveries for as long as there is a link."""
    async for _ in subscription:
        pass


async def test_it_says_who_it_is_where_it_listens_and_what_it_found(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        assert router.facts["node"] == router.at.node
        assert router.facts["listening"] == router.at.address
        assert router.facts["others"].split() == ["use", str(router.at)]
        assert router.facts["reach"] == "this computer only"
        assert router.facts["recovered"] == "0 statements in 0 commits, 0 subscriptions"


async def test_it_stops_within_the_deadline_and_what_it_accepted_is_there_again(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path, stop_deadline_s=3.0) as router:
        await router.start()
        casts = [a_cast(router.at) for _ in range(3)]
        receipts = await publish(router, casts)
        async with client_of(router) as client, client.subscribe("homes", "open:homes:**") as subscription:
            await subscription.receive()
            host, _, port = router.at.address.rpartition(":")
            silent = await trio.open_tcp_stream(host, int(port))  # never says a word
            with trio.fail_after(4):
                assert await router.stop() == 0
            with pytest.raises(LinkError) as ended:
                await last_of(subscription)
            assert ended.value.code == "shutting-down"
            await silent.aclose()
        assert "stopped" in router.facts

        await router.start()
        assert router.facts["recovered"] == "3 statements in 1 commit, 1 subscription"
        assert await publish(router, casts) == receipts
        assert await collect(router, 3) == [cast.data for cast in casts]
        assert await router.stop() == 0
    assert "Traceback" not in router.errors()


@pytest.mark.usefixtures("signals_heard")
async def test_a_hang_up_is_a_stop_and_no_death(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        receipts = await publish(router, [a_cast(router.at)])
        assert receipts
        assert await router.hang_up() == 0
        assert router.facts["stopping"].startswith("SIGHUP")
        assert "stopped" in router.facts


@pytest.mark.usefixtures("signals_heard")
def test_a_router_whose_terminal_is_gone_stops_in_order(tmp_path: Path) -> None:
    """Neither its words nor its log can be written any more then."""
    router = RouterProcess(tmp_path)
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, str(router.settings)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        cwd=ROOT,
    )
    os.close(theirs)
    with process:
        try:
            said = b""
            while b"\nready" not in said.replace(b"\r", b""):
                said += os.read(ours, 4096)
            os.close(ours)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
    open_store(tmp_path, node_key=bytes(router.key.verify_key), random=os.urandom).close()
    assert [path.name for path in tmp_path.glob("store.db*")] == ["store.db"]  # closed, and its log with it


async def test_without_a_terminal_to_lose_a_hang_up_is_nothing(tmp_path: Path) -> None:
    """`nohup` has the signal ignored, and what is started inherits it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with RouterProcess(tmp_path) as router:
            await router.start()
            os.kill(router.pid, signal.SIGHUP)
            assert await publish(router, [a_cast(router.at)])
            assert await router.stop() == 0
            assert router.facts["stopping"].startswith("SIGTERM")
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_router_that_listens_everywhere_says_what_is_missing(tmp_path: Path) -> None:
    port = free_port()
    async with RouterProcess(tmp_path, listen=[f"0.0.0.0:{port}"]) as router:
        await router.start()
        assert router.facts["others"].startswith(f"use  {router.at.node}@HOST:{port}, ")
        assert "public_addresses" in router.facts["others"]
        assert await router.stop() == 0


async def test_a_router_with_a_public_address_names_that(tmp_path: Path) -> None:
    port = free_port()
    public = ["router.example:7400"]
    async with RouterProcess(tmp_path, listen=[f"0.0.0.0:{port}"], public_addresses=public) as router:
        await router.start()
        assert router.facts["others"].split() == ["use", f"{router.at.node}@router.example:7400"]
        assert await router.stop() == 0


def test_an_address_that_nobody_could_dial_is_not_registered(tmp_path: Path) -> None:
    port = free_port()
    authority = f"{node_urn(bytes(32))}@127.0.0.1:1"
    router = RouterProcess(tmp_path, listen=[f"[::]:{port}"], register_at=[authority])
    error, next_step = told("run", str(router.settings))
    assert f"[::]:{port}, which is no address that others could dial" in error
    assert f'public_addresses = ["router.example:{port}"]' in next_step


async def test_a_killed_router_leaves_no_worker_behind(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path, verify_workers=2) as router:
        await router.start()
        async with client_of(router, SigningKey.generate()) as client:
            await client.submit([a_cast(router.at) for _ in range(64)])
        workers = children_of(router.pid)
        assert len(workers) == 2
        await router.kill()
        with trio.fail_after(10):
            while any(map(is_alive, workers)):  # noqa: ASYNC110 - the system tells nobody
                await trio.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """Each thread has its own children."""
    listed = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for children in listed for child in children.split()]


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_a_full_disk_refuses_casts_and_still_acks_and_delivers(tmp_path: Path) -> None:
    async with RouterProcess(tmp_path) as router:
        await router.start()
        casts = [a_cast(router.at) for _ in range(3)]
        receipts = await publish(router, casts)
        async with client_of(router) as client, client.subscribe("homes", "open:homes:**"):
            pass  # a new one finds no room on a full disk, and one that is there does
        assert await router.stop() == 0

        text = router.settings.read_text()
        router.settings.write_text(text.replace("#reserve_bytes", f"reserve_bytes = {MORE_THAN_ANY_DISK}\n#"))
        await router.start()
        assert router.facts["full"].endswith("nothing new is taken (store-full)")
        assert router.facts["next"].startswith("free some space: df -h ")
        for _ in range(2):
            (answer,) = await publish(router, [a_cast(router.at)])
            assert isinstance(answer, Refused)
            assert (answer.code, answer.temporary) == ("store-full", True)
        assert router.errors().count("store_full") == 1
        assert await publish(router, casts) == receipts
        async with client_of(router) as client, client.subscribe("homes", "open:homes:**") as subscription:
            for cast in casts:
                delivery = await subscription.receive()
                assert delivery.statement == cast
                subscription.ack(delivery)
            with trio.fail_after(10), pytest.raises(Refused) as refused:
                await subscription.settled()  # what is acked is durable, and only the signature for it finds no room
            assert refused.value.code == "store-full"
        assert await router.stop() == 0

        router.settings.write_text(text)
        await router.start()
        late = a_cast(router.at)
        await publish(router, [late])
        assert await collect(router, 1) == [late.data]
        assert await router.stop() == 0


@pytest.fixture
def router(tmp_path: Path) -> RouterProcess:
    """A router that has been made and not started."""
    return RouterProcess(tmp_path)


def told(*command: str) -> tuple[str, str]:
    """What a command that cannot do its work says on standard error: the sentence, and the next step if any."""
    done = subprocess.run(
        [sys.executable, "-m", "byway", *command], capture_output=True, text=True, cwd=ROOT, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    error, *next_step = done.stderr.splitlines()
    assert error.startswith("error   ")
    assert all(line.startswith("next    ") for line in next_step)
    assert len(next_step) <= 1
    return error, "".join(next_step)


def test_a_busy_port_is_named(router: RouterProcess) -> None:
    host, _, port = router.at.address.rpartition(":")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, int(port)))
        taken.listen()
        error, next_step = told("run", str(router.settings))
    assert f"another program listens on {router.at.address}  [port-busy]" in error
    assert f":{port}" in next_step


def test_missing_settings_say_how_to_make_them(tmp_path: Path) -> None:
    error, next_step = told("run", str(tmp_path / "byway.toml"))
    assert "[settings-missing]" in error
    assert "byway init" in next_step


def test_an_unknown_setting_is_named_with_its_line_and_the_nearest(router: RouterProcess) -> None:
    text = router.settings.read_text()
    router.settings.write_text(text + "verify_worker = 2\n")
    error, next_step = told("run", str(router.settings))
    line = len(text.splitlines()) + 1
    assert f'line {line}: "verify_worker" is not a setting; did you mean "verify_workers"?' in error
    assert "[settings-unknown-key]" in error
    assert str(line) in next_step


def test_a_missing_key_says_how_to_make_one(router: RouterProcess) -> None:
    (router.folder / "key").unlink()
    error, next_step = told("run", str(router.settings))
    assert "[key-missing]" in error
    assert "byway init" in next_step


def test_a_key_that_others_can_read_is_not_used(router: RouterProcess) -> None:
    (router.folder / "key").chmod(0o644)
    error, next_step = told("run", str(router.settings))
    assert "[key-exposed]" in error
    assert "chmod 600" in next_step


def test_a_key_that_went_missing_beside_a_store_is_put_back_and_not_made_anew(router: RouterProcess) -> None:
    open_store(router.folder, node_key=bytes(router.key.verify_key), random=os.urandom).close()
    key = (router.folder / "key").read_bytes()
    (router.folder / "key").unlink()
    for command in ("run", "init"):
        error, next_step = told(command, str(router.settings))
        assert "[store-foreign]" in error
        assert "put the key file that the store was made with back" in next_step
        assert not (router.folder / "key").exists()

    (router.folder / "key").write_bytes(key)
    (router.folder / "key").chmod(0o644)
    assert "[key-exposed]" in told("run", str(router.settings))[0]


def test_what_the_store_of_another_node_is_told_to_do_works(router: RouterProcess) -> None:
    open_store(router.folder, node_key=bytes(32), random=os.urandom).close()
    _, next_step = told("run", str(router.settings))
    subprocess.run(next_step.partition("aside: ")[2], shell=True, check=False)  # noqa: S602 - our own words
    assert (router.folder / "other-key" / "store.db").exists()
    open_store(router.folder, node_key=bytes(router.key.verify_key), random=os.urandom).close()


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "byway.toml").write_text('data = "journal"\n')
    (tmp_path / "journal").touch()
    error, next_step = told("run", str(tmp_path / "byway.toml"))
    assert "Not a directory  [data-unreadable]" in error
    assert "ls -ld" in next_step


def test_a_damaged_key_is_not_replaced_silently(router: RouterProcess) -> None:
    (router.folder / "key").write_text("not a key\n")
    error, _ = told("run", str(router.settings))
    assert "[key-damaged]" in error
    assert (router.folder / "key").read_text() == "not a key\n"


def test_the_store_of_another_process_is_left_alone(router: RouterProcess) -> None:
    with closing(open_store(router.folder, node_key=bytes(router.key.verify_key), random=os.urandom)):
        error, next_step = told("run", str(router.settings))
    assert "another process has the store open  [store-locked]" in error
    assert "stop that process" in next_step


def test_the_store_of_another_node_is_left_alone(router: RouterProcess) -> None:
    open_store(router.folder, node_key=bytes(32), random=os.urandom).close()
    error, next_step = told("run", str(router.settings))
    assert f"the store in {router.folder} belongs to another node  [store-foreign]" in error
    assert "put the key file that the store was made with back" in next_step


def test_a_file_that_is_no_store_is_left_alone(router: RouterProcess) -> None:
    store = router.folder / "store.db"
    store.write_bytes(b"My shopping list. " * 1000)
    error, next_step = told("run", str(router.settings))
    assert "[store-damaged]" in error
    assert next_step
    assert store.read_bytes().startswith(b"My shopping list.")


def test_a_router_that_cannot_be_reached_is_named(router: RouterProcess) -> None:
    error, next_step = told("publish", f"{router.at.node}@{router.at.address}", TOPIC)
    assert "see that the node runs" in next_step
    assert f"{router.at.address} cannot be reached" in error
    assert "[unreachable]" in error
