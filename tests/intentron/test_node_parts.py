"""The small parts of a node: bells, pauses, names of topics, and what waits."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from byway.errors import LinkError, StatementError
from byway.protocol.urn import to_base32
from byway.topic_text import parse_pattern_text
from intentron.node.bell import Bell, keep_each
from intentron.node.memory import About, Memory
from intentron.node.quiet_start import SPREAD_S, QuietStart
from intentron.node.shown import plain
from intentron.node.topics import literal_topic
from intentron.node.waits import Waits
from intentron.trouble import Trouble
from intentron.vault import Rule, Vault
from tests.strategies.randomness import Seeded

ROOT = to_base32(bytes(32))
PETNAMES = {"boston": f"urn:byway:topic:{ROOT}:homes:boston", "food": "open:food:**"}


async def test_there_is_one_task_for_each_thing_that_is_wanted(nursery: trio.Nursery) -> None:
    wanted: set[str] = {"a", "b"}
    running: list[str] = []
    bell = Bell()

    async def find() -> Iterable[str]:
        return list(wanted)

    async def serve(thing: str) -> None:
        running.append(thing)
        try:
            await trio.sleep_forever()
        finally:
            running.remove(thing)

    nursery.start_soon(keep_each, find, serve, bell)
    for now in ({"a", "b"}, {"b", "c"}, set(), {"a"}):
        wanted.clear()
        wanted.update(now)
        bell.ring()
        await wait_all_tasks_blocked()
        assert sorted(running) == sorted(now)


async def test_a_task_that_has_ended_begins_again_when_its_thing_comes_back(nursery: trio.Nursery) -> None:
    wanted = {"a"}
    begun: list[str] = []
    bell = Bell()

    async def find() -> Iterable[str]:
        return list(wanted)

    async def serve(thing: str) -> None:
        begun.append(thing)

    nursery.start_soon(keep_each, find, serve, bell)
    for now, times in (({"a"}, 1), ({"a"}, 1), (set(), 1), ({"a"}, 2)):
        wanted.clear()
        wanted.update(now)
        bell.ring()
        await wait_all_tasks_blocked()
        assert len(begun) == times


async def test_what_changes_while_somebody_looks_is_not_missed() -> None:
    bell = Bell()
    ring = bell.next
    bell.ring()
    with trio.fail_after(1):
        await ring.wait()


async def test_tasks_that_begin_with_the_node_begin_at_different_times(autojump_clock: MockClock) -> None:
    quiet_start, began = QuietStart(Seeded("node")), autojump_clock.current_time()
    moments: list[float] = []

    async def task() -> None:
        await quiet_start.wait()
        moments.append(autojump_clock.current_time() - began)

    quiet_start.begin()
    async with trio.open_nursery() as tasks:
        for _ in range(20):
            tasks.start_soon(task)
    assert len(set(moments)) == 20
    assert max(moments) <= SPREAD_S

    moments.clear()
    await trio.sleep(1)
    began = autojump_clock.current_time()
    await task()
    assert moments == [0]


async def test_a_change_is_whole_or_not_at_all_and_rings_when_it_is_made(vault: Vault) -> None:
    memory = Memory(vault)
    ring = memory.bell(About.STOCK).next

    def fail(vault: Vault) -> None:
        vault.rules.put(Rule("eggs", "{}"))
        raise StatementError("no")

    with pytest.raises(StatementError, match=r"^no$"):
        await memory.change(fail, About.STOCK)
    assert await memory.look(lambda vault: vault.rules.all()) == []
    assert not ring.is_set()

    await memory.change(lambda vault: vault.rules.put(Rule("eggs", "{}")), About.STOCK)
    assert ring.is_set()


async def test_a_follower_waits_for_what_comes_and_no_longer_than_it_says(vault: Vault, nursery: trio.Nursery) -> None:
    memory = Memory(vault)
    assert await memory.events(0, 0) == []
    assert await memory.events(0, 0.01) == []

    async def happen() -> None:
        await memory.change(lambda vault: vault.events.add("cast_kept", now=1))

    nursery.start_soon(happen)
    with trio.fail_after(5):
        (event,) = await memory.events(0, 60)
    assert event.event == "cast_kept"


@pytest.mark.parametrize(
    ("text", "pattern", "topic"),
    [
        ("food", "open:food:**", "urn:byway:topic:open:food"),
        ("open:homes:*:condo", "open:homes:*:condo", "urn:byway:topic:open:homes"),
        ("open:**", "open:**", None),
        ("boston:*", f"{ROOT}:homes:boston:*", f"urn:byway:topic:{ROOT}:homes:boston"),
    ],
)
def test_a_pattern_lies_under_a_topic_or_under_none(text: str, pattern: str, topic: str | None) -> None:
    assert parse_pattern_text(text, PETNAMES) == pattern
    assert literal_topic(pattern) == topic


def test_what_waits_says_for_what_until_it_waits_no_more() -> None:
    waits = Waits()
    assert waits.get("a") is None
    waits.put("a", LinkError("nobody is there"))
    assert waits.get("a") == ("nobody is there", "")
    assert str(waits.get("a")) == "nobody is there"
    waits.put("a", LinkError("nobody is there", next_step="look"), "look at the settings")
    assert str(waits.get("a")) == "nobody is there; look at the settings"
    waits.put("b", LinkError("nobody is there"))
    waits.keep({"a"})
    assert waits.get("b") is None
    waits.end("a")
    waits.end("a")
    assert waits.get("a") is None


def test_a_trouble_is_told_when_it_begins_changes_and_ends() -> None:
    trouble = Trouble("listening", at="there")
    with capture_logs() as told:
        trouble.over()
        for code in ("unreachable", "unreachable", "wrong-key", "wrong-key"):
            trouble.met(LinkError("no", code=code))
        trouble.over()
        trouble.over()
        trouble.met(LinkError("no", code="unreachable"))
    assert [(line["event"], line.get("code")) for line in told] == [
        ("listening_failed", "unreachable"),
        ("listening_failed", "wrong-key"),
        ("listening_recovered", None),
        ("listening_failed", "unreachable"),
    ]
    assert {line["at"] for line in told} == {"there"}


def test_what_a_stranger_wrote_can_be_shown_as_json() -> None:
    assert plain({"a": [1, {"b": b"\xff"}], "c": None, "d": "x"}) == {"a": [1, {"b": "ff"}], "c": None, "d": "x"}
