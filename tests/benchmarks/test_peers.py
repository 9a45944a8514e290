"""Ours beside the peers: what is compared with what, and what is said of a peer that cannot be measured."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.limits import Limits
from benchmarks.load.prepared import casts
from benchmarks.peers.comparison import MOST, OURS, Measured, compare, figures
from benchmarks.peers.load import Countdown
from benchmarks.peers.peer import LOOPBACK, PeerFailed, Server, command, free_port, started
from benchmarks.peers.rounds import dealt
from benchmarks.peers.suite import PEERS, missing
from benchmarks.round import Round
from byway.protocol.statement import is_signed

VERIFICATION_S = 80e-6
ALL = ("jetstream", "jetstream_sync", "nostr")


def a_round(per_s: float, cpu_us: float = 10) -> Round:
    limits = Limits(verification_s=VERIFICATION_S)
    return Round(operations=1000, cpu_s=cpu_us / 1000, elapsed_s=1000 / per_s, limits=limits, load_cpu_s=1)


def a_server(*, checks: bool, accept: Round, fanout: Round, checked: Round | None = None) -> Measured:
    return Measured(checks, [accept], {MOST: [fanout]}, [checked] if checked else [])


@pytest.fixture
def measured() -> dict[str, Measured]:
    jetstream = a_server(checks=False, accept=a_round(9000), fanout=a_round(90_000, 12), checked=a_round(15_000))
    sync = a_server(checks=False, accept=a_round(3000), fanout=a_round(40_000, 25), checked=a_round(12_000))
    nostr = a_server(checks=True, accept=a_round(300), fanout=a_round(20_000, 80))
    ours = a_server(checks=True, accept=a_round(12_000, 120), fanout=a_round(100_000, 6), checked=a_round(5000))
    return {OURS: ours, "jetstream": jetstream, "jetstream_sync": sync, "nostr": nostr}


def values(measured: dict[str, Measured]) -> dict[str, float]:
    return {figure.name: figure.value.median for figure in figures(measured, ALL)}


def test_ours_is_a_multiple_of_theirs(measured: dict[str, Measured]) -> None:
    found = values(measured)

    assert found["accept_vs_jetstream_sync"] == pytest.approx(4)
    assert found["fanout64_cpu_vs_jetstream"] == pytest.approx(0.5)


def test_the_best_peer_is_the_fastest_after_the_same_check(measured: dict[str, Measured]) -> None:
    """The relay has checked already; JetStream is faster only while nobody checks."""
    found = values(measured)

    assert found["fanout64_vs_best_peer"] == pytest.approx(100_000 / 20_000)
    assert found["fanout64_vs_best_peer_unchecked"] == pytest.approx(100_000 / 90_000)


def test_ours_who_verify_again_are_compared_with_those_who_verify(measured: dict[str, Measured]) -> None:
    """Nobody verifies behind the relay."""
    found = values(measured)

    assert found["fanout64_vs_best_peer_checked"] == pytest.approx(5000 / 15_000)
    assert found["byway_fanout64_checked_per_s"] == pytest.approx(5000)


def test_the_load_beside_a_rate_is_that_of_its_rounds(measured: dict[str, Measured]) -> None:
    found = values(measured)

    assert found["jetstream_fanout64_load_cores"] == pytest.approx(15_000 / 1000)
    assert found["jetstream_fanout64_unchecked_load_cores"] == pytest.approx(90_000 / 1000)


def test_the_best_peer_is_sought_in_each_round(measured: dict[str, Measured]) -> None:
    for server in measured.values():
        server.accept *= 2
    measured[OURS].fanout[MOST] = [a_round(100_000), a_round(100_000)]
    measured[OURS].checked *= 2
    measured["nostr"].fanout[MOST] = [a_round(20_000), a_round(10_000)]
    for name in ("jetstream", "jetstream_sync"):
        measured[name].fanout[MOST] *= 2
        measured[name].checked = [a_round(10_000), a_round(25_000)]

    (best,) = (figure for figure in compare(measured, ALL) if figure.name == "fanout64_vs_best_peer")

    assert (best.value.low, best.value.high) == pytest.approx((4, 5))


def test_a_check_by_the_consumer_costs_the_peer_one_verification(measured: dict[str, Measured]) -> None:
    found = values(measured)

    assert found["jetstream_accept_cpu_us"] == pytest.approx(10 + VERIFICATION_S * 1e6)
    assert found["jetstream_accept_server_cpu_us"] == pytest.approx(10)
    assert found["nostr_accept_cpu_us"] == pytest.approx(10)
    assert "nostr_accept_server_cpu_us" not in found


def test_the_rate_of_a_peer_that_does_not_check_is_that_with_the_check(measured: dict[str, Measured]) -> None:
    found = values(measured)

    assert found["jetstream_fanout64_per_s"] == pytest.approx(15_000)
    assert found["jetstream_fanout64_unchecked_per_s"] == pytest.approx(90_000)
    assert found["nostr_fanout64_per_s"] == pytest.approx(20_000)
    assert "nostr_fanout64_unchecked_per_s" not in found


def test_targets_stand_at_the_comparisons(measured: dict[str, Measured]) -> None:
    targets = {figure.name: (figure.better, figure.target) for figure in compare(measured, ALL) if figure.target}

    assert targets == {
        "accept_vs_jetstream_sync": ("more", 2.5),
        "fanout64_cpu_vs_jetstream": ("less", 0.3),
        "fanout64_vs_best_peer": ("more", 2),
    }


def test_what_was_not_measured_is_not_compared(measured: dict[str, Measured]) -> None:
    del measured["jetstream"], measured["jetstream_sync"]
    assert compare(measured, ALL) == []


def test_without_one_of_the_peers_nobody_is_the_best(measured: dict[str, Measured]) -> None:
    del measured["nostr"]

    assert {figure.name for figure in compare(measured, ALL)} == {
        "accept_vs_jetstream_sync",
        "fanout64_cpu_vs_jetstream",
    }


def test_a_missing_peer_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.peers.peer._found", lambda _: None)

    sentences = missing()

    assert len(sentences) == len(PEERS)
    assert "mosquitto, because mosquitto is not here: apt-get install mosquitto" in sentences
    assert any(sentence.endswith(": apt-get install rabbitmq-server") for sentence in sentences)
    assert any(sentence.endswith(": python3 setup/environment.py bench") for sentence in sentences)


def test_a_missing_client_is_named_too() -> None:
    here = replace(PEERS[0], program=sys.executable, library="no_such_library")

    assert here.missing() == "jetstream, because its client is not here: python3 setup/environment.py bench"


def test_a_program_that_is_not_there_is_a_peer_that_failed() -> None:
    with pytest.raises(PeerFailed, match="no-such-program is not here"):
        command("no-such-program")


def test_a_server_is_ended_with_its_block(tmp_path: Path) -> None:
    port = free_port()
    listen = [sys.executable, "-m", "http.server", "--bind", LOOPBACK, str(port)]

    with started(listen, port, tmp_path) as server:
        assert server.cpu_time().seconds[server.pid] > 0

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port))


def test_a_program_that_ends_while_its_server_is_looked_at_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    server = os.getpid()
    looks = iter([[server, ended.pid], [server]])
    monkeypatch.setattr("benchmarks.peers.peer.family", lambda _: next(looks))

    assert Server(LOOPBACK, server).cpu_time().seconds.keys() == {server}


def test_a_server_that_has_ended_has_no_figure() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass

    with pytest.raises(ChildProcessError, match="has ended"):
        Server(LOOPBACK, ended.pid).cpu_time()


def test_what_a_server_said_before_it_failed_is_told(tmp_path: Path) -> None:
    fails = [sys.executable, "-c", "raise SystemExit('the disk is full')"]

    with pytest.raises(PeerFailed, match="the disk is full"), started(fails, free_port(), tmp_path):
        pass


def test_casts_are_dealt_out_to_the_connections() -> None:
    topics = ["a", "b", "a", "b"]

    assert dealt(10, topics, "a") + dealt(10, topics, "b") == 10
    assert dealt(10, topics, "a") == 3 + 2


def test_a_badly_signed_cast_is_found_by_the_consumer_of_a_peer() -> None:
    (cast,) = (each.data for each in casts(1))

    async def wait(*arriving: bytes) -> None:
        arrivals = Countdown(len(arriving), is_signed)
        for each in arriving:
            arrivals.take(each)
        await arrivals.wait()

    asyncio.run(wait(cast, cast))
    with pytest.raises(ValueError, match="1 casts were badly signed"):
        asyncio.run(wait(cast, cast[:-1] + bytes([cast[-1] ^ 1])))
