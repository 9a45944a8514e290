"""The log of refusals: nothing is left out of it, and nobody can fill a disk with it."""

from __future__ import annotations

from structlog.testing import capture_logs

from byway.router.refusal_log import LINES_AT_ONCE, MANY, RefusalLog


def test_what_came_together_is_one_line_for_each_code() -> None:
    with capture_logs() as logs:
        RefusalLog().note(["busy", "expired", "busy"], "192.0.2.0/24", 0)
    assert [(entry["code"], entry["count"], entry["prefix"]) for entry in logs] == [
        ("busy", 2, "192.0.2.0/24"),
        ("expired", 1, "192.0.2.0/24"),
    ]


def test_a_flood_is_a_few_lines_that_count_it_all() -> None:
    refusals = RefusalLog()
    with capture_logs() as logs:
        for tick in range(10_000):  # ten seconds
            refusals.note(["malformed"], f"2001:db8:0:{tick:x}00::/56", tick / 1000)
        assert len(logs) <= LINES_AT_ONCE + 10
        assert len(refusals._waiting) <= MANY + 1
        for second in range(10, 2000):
            refusals.tell(second)
    assert sum(entry["count"] for entry in logs) == 10_000


def test_a_frame_that_was_refused_is_told_from_statements() -> None:
    with capture_logs() as logs:
        RefusalLog().note(["bad-filter"], "192.0.2.0/24", 0, frame="Subscribe")
    (told,) = logs
    assert (told["event"], told["frame"], told["count"]) == ("frame_refused", "Subscribe", 1)
