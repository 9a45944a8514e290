"""Verification: the same verdict wherever it is made."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pytest
import trio
from nacl.signing import SigningKey

from byway.protocol.statement import Kind, make_statement
from byway.router.verifier import BATCH, InlineVerifier, ProcessVerifier

KEY = SigningKey(bytes(32))
PEER = bytes(KEY.verify_key)


@functools.cache
def statements(count: int) -> tuple[list[bytes], list[bool]]:
    good = [make_statement(KEY, Kind.DECLINE, {"n": number}, created=1, expires=2).data for number in range(count)]
    spoilt = [data if number % 3 else data[:-1] + bytes([data[-1] ^ 1]) for number, data in enumerate(good)]
    return spoilt, [bool(number % 3) for number in range(count)]


async def test_inline_tells_the_good_from_the_spoilt() -> None:
    data, expected = statements(7)
    assert list(await InlineVerifier().verify(data, PEER, "here")) == expected


@pytest.mark.parametrize("count", [1, 5, BATCH, 3 * BATCH + 1])
async def test_workers_give_the_same_verdicts_in_order(nursery: trio.Nursery, count: int) -> None:
    verifier = ProcessVerifier()
    await nursery.start(verifier.run, 2)
    data, expected = statements(count)
    assert list(await verifier.verify(data, PEER, "here")) == expected
    nursery.cancel_scope.cancel()


async def test_many_callers_each_get_their_own_verdicts(nursery: trio.Nursery) -> None:
    verifier = ProcessVerifier()
    await nursery.start(verifier.run, 2)
    found: dict[int, Sequence[bool]] = {}

    async def ask(count: int) -> None:
        found[count] = list(
            await verifier.verify(statements(count)[0], bytes([count]), "here", stamped=bool(count % 2))
        )

    async with trio.open_nursery() as callers:
        for count in range(1, 40, 3):
            callers.start_soon(ask, count)
    assert found == {count: statements(count)[1] for count in range(1, 40, 3)}
    nursery.cancel_scope.cancel()
