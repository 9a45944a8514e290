"""Verification: the same verdict wherever it is made."""

from __future__ import annotations

import functools
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
from nacl.signing import SigningKey
from trio.testing import wait_all_tasks_blocked

from byway.protocol.statement import Kind, make_statement
from byway.router.verifier import INLINE_AT_MOST, InlineVerifier, ProcessVerifier

KEY = SigningKey(bytes(32))


@functools.cache
def statements(count: int) -> tuple[list[bytes], list[bool]]:
    good = [make_statement(KEY, Kind.DECLINE, {"n": number}, created=1, expires=2).data for number in range(count)]
    spoilt = [data if number % 3 else data[:-1] + bytes([data[-1] ^ 1]) for number, data in enumerate(good)]
    return spoilt, [bool(number % 3) for number in range(count)]


async def test_inline_tells_the_good_from_the_spoilt() -> None:
    data, expected = statements(7)
    assert list(await InlineVerifier().verify(data)) == expected


async def idle(verifier: ProcessVerifier, workers: int) -> None:
    while len(verifier._idle) < workers:  # noqa: ASYNC110 - it tells nobody
        await trio.sleep(0.01)


@asynccontextmanager
async def working(workers: int) -> AsyncGenerator[ProcessVerifier]:
    """A verifier whose workers have begun, and which verifies nothing by itself."""
    verifier = ProcessVerifier(workers)
    async with trio.open_nursery() as nursery:
        await nursery.start(verifier.run)
        await idle(verifier, workers)
        yield verifier
        nursery.cancel_scope.cancel()


@pytest.fixture
def only_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    def verdicts(statements: Sequence[bytes]) -> list[bool]:
        raise AssertionError(f"{len(statements)} statements were not verified by a worker")

    monkeypatch.setattr("byway.router.verifier._verdicts", verdicts)


@pytest.mark.usefixtures("only_workers")
@pytest.mark.parametrize("count", [INLINE_AT_MOST + 1, 200])
async def test_workers_give_the_same_verdicts_in_order(count: int) -> None:
    data, expected = statements(count)
    async with working(2) as verifier:
        assert list(await verifier.verify(data)) == expected


async def test_a_few_are_verified_without_a_worker() -> None:
    data, expected = statements(INLINE_AT_MOST)
    assert list(await ProcessVerifier(2).verify(data)) == expected


async def test_many_callers_each_get_their_own_verdicts() -> None:
    found: dict[int, Sequence[bool]] = {}
    async with working(2) as verifier, trio.open_nursery() as callers:

        async def ask(count: int) -> None:
            found[count] = list(await verifier.verify(statements(count)[0]))

        for count in range(1, 40, 3):
            callers.start_soon(ask, count)
    assert found == {count: statements(count)[1] for count in range(1, 40, 3)}


async def test_who_gives_up_leaves_no_verdicts_to_others() -> None:
    """A worker whose answer nobody has read must not give it to the next who asks."""
    data, expected = statements(20)
    async with working(1) as verifier:
        with trio.CancelScope() as given_up:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(verifier.verify, [data[1]] * 200)
                await wait_all_tasks_blocked()  # it has the batch
                given_up.cancel()
        assert list(await verifier.verify(data)) == expected


async def test_a_worker_that_dies_costs_no_verdict_and_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byway.router.verifier._RESTART_AFTER_S", 0.0)
    data, expected = statements(200)
    found: list[Sequence[bool]] = []
    async with working(1) as verifier:
        (worker,) = verifier._idle

        async def ask() -> None:
            found.append(list(await verifier.verify(data)))

        async with trio.open_nursery() as asking:
            asking.start_soon(ask)
            await wait_all_tasks_blocked()
            worker._stream.socket.shutdown(socket.SHUT_RDWR)  # as the system does where the process is gone
        assert found == [expected]
        await idle(verifier, 1)
        assert verifier._idle != [worker]
        assert list(await verifier.verify(data)) == expected
