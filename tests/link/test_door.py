"""The door: no address prefix takes more than its share, and those of others are let in beside it."""

# ruff: noqa: ARG001 - pytest-trio runs a test on the clock that the test takes as an argument

from __future__ import annotations

from functools import partial

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from byway.link.door import WAITING, Door, DoorLimits
from byway.protocol.address import address_prefix


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff::9", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
    ],
)
def test_a_prefix_is_what_one_customer_has(host: str, prefix: str) -> None:
    assert address_prefix(host) == prefix


def stranger(door: Door, prefix: str, now: float = 0) -> bool:
    return door.enter(prefix, now, nothing) is not None


def nothing() -> None:
    pass


async def test_one_prefix_cannot_take_all_handshakes() -> None:
    door = Door(DoorLimits(prefix_handshakes=1))
    async with trio.open_nursery() as nursery, door.handshake("a"):
        waiting = trio.CancelScope()

        async def wait() -> None:
            with waiting:
                async with door.handshake("a"):
                    raise AssertionError("a second one from the same prefix")

        nursery.start_soon(wait)
        with trio.fail_after(5):
            async with door.handshake("b"):
                await trio.testing.wait_all_tasks_blocked()
        waiting.cancel()


async def test_a_stranger_waits_for_one_turn_of_each_other_prefix_and_no_more(
    autojump_clock: trio.testing.MockClock,
) -> None:
    door = Door(DoorLimits(handshakes=4, prefix_handshakes=4))
    came: list[str] = []

    async def shake(prefix: str) -> None:
        async with door.handshake(prefix):
            came.append(prefix)
            await trio.sleep(5)

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(shake, f"slow {number % 10}")
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        async with door.handshake("honest"):
            assert trio.current_time() - began <= 15  # ten prefixes before it, four at one time
        with trio.move_on_after(1):
            async with door.handshake("impatient"):
                raise AssertionError("before its turn")
    assert len(came) == 40
    assert door._free == 4


async def test_a_turn_that_is_over_early_is_the_next_ones(autojump_clock: trio.testing.MockClock) -> None:
    door = Door(DoorLimits(handshakes=1))
    async with door.handshake("a") as turn:
        turn.over()
        async with door.handshake("b"):
            assert trio.current_time() == autojump_clock.current_time()
    assert door._free == 1


def test_one_prefix_cannot_take_all_places() -> None:
    door = Door(DoorLimits(prefix_handshakes=2, prefix_handshakes_per_s=1000))
    places = 2 * (1 + WAITING)
    *inside, last = [door.enter("a", 0, nothing) for _ in range(places + 1)]
    assert all(inside)
    assert last is None
    assert stranger(door, "b")
    assert inside[0]
    door.leave(inside[0])
    assert stranger(door, "a")


def test_all_places_are_given_back() -> None:
    door = Door(DoorLimits(handshakes=1, prefix_handshakes_per_s=10))
    for tick in range(1000):
        if someone := door.enter("a", tick / 100, nothing):
            door.leave(someone)
            door.leave(someone)
    assert door._places == 1 + WAITING


def test_when_all_places_are_taken_a_prefix_gives_one_up_for_one_that_has_fewer() -> None:
    door = Door(DoorLimits(handshakes=1))
    closed: list[str] = []
    for name in range(1 + WAITING):
        assert door.enter(f"crowded {name % 2}", 0, partial(closed.append, f"{name}"))
    assert not stranger(door, "crowded 0")
    assert not closed
    assert stranger(door, "honest")
    assert stranger(door, "honest")
    assert closed == ["0", "1"]  # who had been there longest
    assert door._places == 0


def test_one_prefix_begins_so_many_handshakes_a_second() -> None:
    door = Door(DoorLimits(prefix_handshakes_per_s=10))
    let_in = 0
    for tick in range(1000):  # ten seconds
        if someone := door.enter("a", tick / 100, nothing):
            let_in += 1
            door.leave(someone)
    assert 118 <= let_in <= 120
    assert stranger(door, "b", 10)


def test_links_are_counted_in_all_and_by_prefix() -> None:
    door = Door(DoorLimits(links=3, prefix_links=2))
    assert [door.open("a") for _ in range(3)] == [True, True, False]
    assert [door.open("b"), door.open("b"), door.open("c")] == [True, False, False]
    door.close("a")
    assert [door.open("a"), door.open("a")] == [True, False]
    assert door.links == 3


def test_a_flood_of_strangers_is_a_few_lines_in_the_log_that_count_them_all() -> None:
    door = Door(DoorLimits(prefix_handshakes=1))
    with capture_logs() as logs:
        for tick in range(10_000):
            stranger(door, "a", tick / 100)
    assert 10 <= len(logs) <= 20
    assert {entry["code"] for entry in logs} == {"busy"}
    assert 9_000 <= sum(entry["count"] for entry in logs) <= 9_999
