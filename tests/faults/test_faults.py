"""A slice of `make faults`: processes, power, disk, store and peers fail a real router, a few times each.

Clocks that jump, pauses, strace, cuts at every byte and the crowds take longer, and are in `make faults` alone.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from byway.errors import StoreError
from tests.crash.parties import seeded
from tests.crash.router_process import STOP_WITHIN_S, RouterProcess
from tests.faults.cases import CASES, Case
from tests.faults.failing_disk import WAYS_TO_FAIL, an_operation_fails
from tests.faults.killed import expect_killed
from tests.faults.one_case import run_case
from tests.faults.peers import BESIDE_BORDERS, Cut, Recorded, due
from tests.faults.stage import NotPossible, Outcome, Stage, comes_true, needed
from tests.faults.store_cuts import cut_many
from tests.faults.test_child import is_gone

SLICE = {
    "killed_at_any_moment": 8,
    "killed_at_named_points": 2,
    "publishers_and_subscribers_are_killed": 2,
    "an_operation_fails": 1,
    "the_disk_is_full": 1,
    "power_cut_under_load": 1,
    "bits_of_a_closed_store": 1,
    "bits_of_a_log": 1,
    "a_store_without_its_end": 1,
    "a_log_without_its_end": 1,
    "an_old_backup": 1,
    "cut_at_any_byte": 10,
    "sessions_are_replayed": 1,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLICE)
async def test_a_promise_is_kept_in_the_case(name: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    outcome = Outcome(name)
    await case.run(Stage(tmp_path, seeded(name), SLICE[name], outcome))  # what is not possible fails, and says why

    assert outcome.findings == []
    assert outcome.faults > 0
    assert outcome.checked > 0


def test_power_cuts_are_counted(tmp_path: Path) -> None:
    assert json.loads(json.dumps(cut_many(7, 2, tmp_path))) == {"first": 7, "cuts": 2, "lost": 0, "findings": []}


def test_a_store_that_cannot_be_read_after_a_power_cut_is_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise StoreError("there is no sound head")

    monkeypatch.setattr("tests.faults.store_cuts.cut", unreadable)

    told = cut_many(0, 2, tmp_path)

    assert told["lost"] == 2
    assert "no sound head" in told["findings"][0]


def test_a_missing_program_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(NotPossible, match="there is no such-a-program: apt-get install some-package"):
        needed("such-a-program", "some-package")


FRAMES = [b"\0\0\0\4four", b"\0\0\0\2tw"]


@pytest.mark.parametrize(
    ("frame", "byte", "place"), [(0, 1, 1), (0, 7, 7), (0, -1, 7), (0, 0, 8), (1, 1, 9), (1, -1, 13), (1, 0, 14)]
)
def test_a_cut_has_its_place_as_soon_as_it_can_be_told(frame: int, byte: int, place: int) -> None:
    cut, said = Cut("sends", frame, byte), b"".join(FRAMES)

    assert cut.place(said) == place
    assert [at for at in range(len(said) + 1) if cut.place(said[:at]) <= at] == [*range(place, len(said) + 1)]


def test_connections_are_cut_beside_all_borders_and_both_ways() -> None:
    said = {"sends": FRAMES, "hears": FRAMES[:1]}

    chosen = due(seeded("borders"), said, 18)

    beside = {Cut(way, number, byte) for way in said for number in range(len(said[way])) for byte in BESIDE_BORDERS}
    assert beside <= set(chosen)
    assert len(set(chosen)) == 18


def test_any_byte_may_be_where_a_connection_is_cut() -> None:
    said = {"sends": FRAMES, "hears": FRAMES[:1]}

    places = {(cut.way, cut.place(b"".join(said[cut.way]))) for cut in due(seeded("all"), said, 99)}

    assert places == {("sends", at) for at in range(1, 15)} | {("hears", at) for at in range(1, 9)}


@pytest.mark.parametrize("size", [1, 5, 100])
async def test_a_stream_ends_at_its_cut_whichever_pieces_it_comes_in(size: int) -> None:
    said = b"".join(FRAMES)
    for way in ("sends", "hears"):
        ours, theirs = trio.testing.memory_stream_pair()
        stream = Recorded(ours, Cut(way, 1, 2))
        speaker, listener = (stream, theirs) if way == "sends" else (theirs, stream)
        heard = b""
        with suppress(trio.BrokenResourceError):
            for at in range(0, len(said), size):
                await speaker.send_all(said[at : at + size])
                heard += await listener.receive_some()
        with suppress(trio.BrokenResourceError):
            heard += await listener.receive_some()
        assert heard == said[:10]
        assert stream.is_cut


def test_each_kind_of_operation_fails_in_both_ways() -> None:
    case = next(case for case in CASES if case.run is an_operation_fails)

    assert {kind for kind, _ in WAYS_TO_FAIL} >= {"sync", "write", "read"}
    assert all((kind, how) in WAYS_TO_FAIL for kind, _ in WAYS_TO_FAIL for how in ("once", "stays"))
    assert case.times % len(WAYS_TO_FAIL) == 0


@pytest.mark.slow
async def test_a_router_that_died_of_something_else_is_no_kill(tmp_path: Path) -> None:
    outcome = Outcome("dead")
    async with RouterProcess(tmp_path) as router:
        await router.start()
        pid = str(router.pid)
        os.kill(router.pid, signal.SIGTERM)
        assert await comes_true(lambda: is_gone(pid), STOP_WITHIN_S)
        status = await router.kill()

    expect_killed(Stage(tmp_path, seeded("dead"), 1, outcome), status, 3)

    assert outcome.findings == ["the router had ended with 0 before kill 3"]
    assert outcome.counts == {"kills": 0}


def test_a_case_that_is_not_possible_is_left_out_by_name(tmp_path: Path) -> None:
    async def needs_a_program(_: Stage) -> None:
        async with trio.open_nursery():
            needed("such-a-program", "some-package")

    outcome = run_case(Case(needs_a_program), 1, "x", tmp_path)

    assert outcome.case == "needs_a_program"
    assert outcome.skipped == "there is no such-a-program: apt-get install some-package"
    assert outcome.findings == []
