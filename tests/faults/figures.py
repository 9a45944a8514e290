"""The figures for a person: what `tests/results/faults.json` says, between two markers of the page on reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.crash.probe import USUAL_MS, WORST_MS
from tests.crash.router_process import ROOT
from tests.simulation.coverage import CANNOT_BE, KINDS
from tests.simulation.states import STATES

PAGE: Final = ROOT / "docs" / "explanation" / "reliability.md"
BEGIN: Final = "<!-- figures of the last full run: written by `make faults` -->"
END: Final = "<!-- end of the figures -->"

KILLED: Final[Mapping[str, str]] = {"killed_at_any_moment": "kills", "killed_at_named_points": "kills at named points"}
POWER_CUT: Final[Mapping[str, str]] = {"power_cut_under_load": "power cuts under a router"}
WAITS: Final = (
    "The longest wait is how long an undisturbed router kept a probe waiting for the answer to a Ping. "
    f"A run allows {WORST_MS:,} ms for one answer and {USUAL_MS} ms for half of them: its processes share a few cores."
)
PLANTED: Final = "| bugs planted"
CONFIDENCE: Final = 3  # no loss in N: at 95 % confidence fewer than 3 in N


def write_page(page: Path, told: Mapping[str, Any]) -> None:
    """Put the last full run between the markers, and the last time that bugs were planted.

    Of which of the two nothing is told, the page keeps what it has: somebody else may have run it.
    """
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    there, _, after = rest.partition(END)
    kept = there.strip().splitlines()
    lines = figures(told) if told.get("full") else kept
    told_before = [line for line in kept if line.startswith(PLANTED)]
    planted = [_planted(told["planted"])] if told.get("planted") else told_before
    lines = [planted[0] if planted and line.startswith(PLANTED) else line for line in lines]
    page.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), encoding="utf-8")


def figures(told: Mapping[str, Any]) -> list[str]:
    """The last full run, and the last time that bugs were planted."""
    full, planted = told["full"], _planted(told.get("planted"))
    table = ["| what was done | times | lost | at 95 % confidence fewer than |", "|---|---|---|---|"]
    cases, cuts, worlds = full["cases"], full["cuts"], full["simulation"]
    killed, lost_by_kills = _times(cases, KILLED)
    cut, lost_by_cuts = _times(cases, POWER_CUT)
    failed = len(worlds["failed"])
    return [
        _head(full),
        "",
        *table,
        _row("router processes killed", killed, lost_by_kills),
        _row("power cut under a store", cuts.get("cuts", 0), cuts.get("lost", 0)),
        _row("power cut under a router process", cut, lost_by_cuts),
        _row(f"worlds simulated, {worlds.get('faults', 0):,} faults", worlds.get("seeds", 0), failed, " failed"),
        planted,
        "",
        WAITS,
        "",
        "| case with real processes | faults | things checked | broken | longest wait, ms | |",
        "|---|---|---|---|---|---|",
        *map(_case, cases),
        "",
        "How often a fault met a state in the simulated worlds; a dash stands where it cannot:",
        "",
        *coverage(worlds.get("met", {})),
    ]


def _head(full: Mapping[str, Any]) -> str:
    """One line: when, how much, what is broken, and what is not in it."""
    cases, cuts, worlds = full["cases"], full["cuts"], full["simulation"]
    faults = sum(case["faults"] for case in cases) + cuts.get("cuts", 0) + worlds.get("faults", 0)
    checked = sum(case["checked"] for case in cases) + sum(worlds.get("checked", {}).values())
    done = (
        f"{full['at'][:10]}, commit {full['commit']}, {full['machine']['cores']} cores, {full['seconds'] / 60:.0f} "
        f"minutes, seed {full['seed']}: {faults:,} faults, {checked:,} things checked, "
        f"**{len(full['broken'])} promises broken**."
    )
    return f"{done} No case was left out."


def _planted(planted: Mapping[str, Any] | None) -> str:
    if not planted:
        return f"{PLANTED} | 0 | | |"
    caught = planted["caught"]
    missed = [bug.replace("_", " ") for bug, is_caught in caught.items() if not is_caught]
    which = f"{len(missed)} not caught" + (f": {', '.join(missed)}" if missed else "")
    green = planted.get("green", {})
    without = f"{sum(green.values())} of {len(green)} runs without a bug green"
    when = f"{planted['at'][:10]}, commit {planted['commit']}"
    return f"{PLANTED} in routers and simulated worlds, {when} | {len(caught)} | {which}; {without} | |"


def _times(cases: Sequence[Mapping[str, Any]], counted: Mapping[str, str]) -> tuple[int, int]:
    """How often these cases did what they count, and what they lost."""
    chosen = [case for case in cases if case["case"] in counted]
    return (
        sum(case["counts"].get(counted[case["case"]], 0) for case in chosen),
        sum(case["losses"] for case in chosen),
    )


def _row(what: str, times: int, lost: int, unit: str = "") -> str:
    return f"| {what} | {times:,} | {lost:,}{unit} | {_bound(times, lost)} |"


def _bound(times: int, lost: int) -> str:
    """What may be said after so many times; nothing where something was lost."""
    return f"1 in {times // CONFIDENCE:,} loses something" if times >= CONFIDENCE and not lost else ""


def _case(case: Mapping[str, Any]) -> str:
    wait = f"{case['longest_wait_ms']:,.0f}" if case["longest_wait_ms"] else "-"
    more = ", ".join([*(f"{number:,} {what}" for what, number in case["counts"].items()), *case["remarks"]])
    return f"| {_name(case)} | {case['faults']:,} | {case['checked']:,} | {len(case['findings'])} | {wait} | {more} |"


def _name(case: Mapping[str, Any]) -> str:
    name: str = case["case"]
    return name.replace("_", " ")


def coverage(met: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A line for each fault, a column for each state."""
    lines = [f"| | {' | '.join(STATES)} |", "|---" * (len(STATES) + 1) + "|"]
    for kind in KINDS:
        cells = ["-" if (kind, state) in CANNOT_BE else f"{met.get(kind, {}).get(state, 0):,}" for state in STATES]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return lines
