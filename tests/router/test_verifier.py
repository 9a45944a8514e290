"""Verification: the same verdict wherever it is made."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pytest
import trio
from nacl.signing import SigningKey

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


@pytest.mark.parametrize("count", [1, INLINE_AT_MOST, INLINE_AT_MOST + 1, 200])
async def test_workers_give_the_same_verdicts_in_order(nursery: trio.Nursery, count: int) -> None:
    verifier = ProcessVerifier(2)
    await nursery.start(verifier.run)
    data, expected = statements(count)
    assert list(await verifier.verify(data)) == expected
    nursery.cancel_scope.cancel()


async def test_many_callers_each_get_their_own_verdicts(nursery: trio.Nursery) -> None:
    verifier = ProcessVerifier(2)
    await nursery.start(verifier.run)
    found: dict[int, Sequence[bool]] = {}

    async def ask(count: int) -> None:
        found[count] = list(await verifier.verify(statements(count)[0]))

    async with trio.open_nursery() as callers:
        for count in range(1, 40, 3):
            callers.start_soon(ask, count)
    assert found == {count: statements(count)[1] for count in range(1, 40, 3)}
    nursery.cancel_scope.cancel()


async def test_who_gives_up_leaves_no_verdicts_to_others(nursery: trio.Nursery) -> None:
    """A worker whose answer nobody has read must not give it to the next who asks."""
    verifier = ProcessVerifier(1)
    await nursery.start(verifier.run)
    data, expected = statements(20)
    with trio.CancelScope() as given_up:
        given_up.cancel()
        await verifier.verify([data[1]] * 20)
    assert list(await verifier.verify(data)) == expected
    nursery.cancel_scope.cancel()
