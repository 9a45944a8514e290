"""`python -m benchmarks.profile`: where the time of a router goes, by its parts, for `docs/performance.md`.

First an account: what the thread of the event loop, the other threads and the workers have used, by their CPU clocks.
Then py-spy looks at all of them some hundred times a second while they work, and a look counts for the part of the code
in which it finds a thread at work.  That is a sample: it says what is worth a closer look.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.accounting import thread_cpu_s
from benchmarks.load.prepared import Supply, prepare
from benchmarks.measurements.accept import BATCH, LINKS, SINGLE_LINKS, accept_round
from benchmarks.measurements.fanout import fanout_round
from benchmarks.measurements.whole_link import link_round
from benchmarks.report.numbers import value_text
from benchmarks.report.page import put_between
from benchmarks.round import Round
from benchmarks.router_process import RouterProcess, running_router

LOOKS_PER_S: Final = 250
ROUNDS: Final = 3
BEGIN: Final = "<!-- profile: written by `python -m benchmarks.profile` -->"
END: Final = "<!-- end of the profile -->"

BATCHES: Final = "accept, Submits of 64"
SINGLES: Final = "accept, single casts on 64 links"
WHOLE_LINKS: Final = "whole links"
FANOUT: Final = "64 subscribers"

LOOP: Final = "the event loop"
THREADS: Final = "the other threads"
WORKERS: Final = "the workers"
VERIFICATION: Final = "a libsodium verification, meanwhile"


class Work(NamedTuple):
    """What a router has to do, and the casts in a small round of it and in a large one."""

    few: int
    many: int
    round: Callable[[RouterProcess, Supply, int], Round]

    @property
    def casts(self) -> int:
        """How many are needed for all of it."""
        return 2 * self.few + (1 + ROUNDS) * self.many


WORK: Final[dict[str, Work]] = {
    BATCHES: Work(256, 6144, partial(accept_round, links=LINKS, batch=BATCH)),
    SINGLES: Work(64, 2048, partial(accept_round, links=SINGLE_LINKS, batch=1)),
    WHOLE_LINKS: Work(20, 300, link_round),
    FANOUT: Work(64, 512, lambda router, supply, count: fanout_round(router, supply, 64, count)),
}

# The first that occurs in the innermost frame for which there is one decides.
PARTS: Final = (
    ("verifying signatures", ("is_signed ", "nacl/")),
    ("TLS, and its reads and writes", ("/ssl.py", "link/tls.py", "link/tls_stream.py")),
    ("the store and its disk", ("byway/store/",)),
    ("heads, trees, receipts", ("protocol/merkle.py", "router/chain.py", "protocol/receipt.py")),
    ("frames", ("protocol/codec.py", "protocol/connection.py", "protocol/frames.py", "protocol/fields.py",
                "protocol/shapes.py", "protocol/flow.py")),
    ("reading and checking casts", ("byway/protocol/", "pydantic/", "msgpack/", "router/policy.py")),
    ("matching, deliveries, cursors", ("router/delivery.py", "router/index.py", "router/subscriptions.py",
                                       "router/memory.py", "router/backlog.py")),
    ("links and sessions", ("byway/link/", "router/session.py")),
    ("the router's other work", ("byway/",)),
    ("the event loop", ("trio/", "outcome/", "socket.py", "contextlib.py")),
)  # fmt: skip
WAITS: Final = (
    "get_events ",
    "before_io_wait ",
    "WorkerThread._work ",
    "_wait_for_tstate_lock ",
    "readinto (socket.py",
)


def main() -> int:
    """Measure, print, and put the table into the page."""
    spy = Path(sysconfig.get_path("scripts")) / "py-spy"
    if not spy.exists() and not shutil.which("py-spy"):
        print("py-spy is not here: python3 setup/environment.py bench", file=sys.stderr)
        return 1
    shares: dict[str, Counter[str]] = {}
    accounts: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="byway-profile-") as folder:
        casts = Path(folder) / "casts"
        count = sum(work.casts for work in WORK.values())
        prepare(casts, count)
        supply = Supply(casts, count)
        for name, work in WORK.items():
            accounts[name] = _account(supply, work)
            shares[name] = _profile(str(spy) if spy.exists() else "py-spy", Path(folder), supply, work)
    lines = [*account_table(accounts), "", *table(shares)]
    print("\n".join(lines))
    put_between(BEGIN, END, lines)
    return 0


def account_table(accounts: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Microseconds of CPU for each operation, by who used them and by work, as lines of a page."""
    yield "| µs of CPU for each cast, link or delivery | " + " | ".join(accounts) + " |"
    yield "|---|" + "---:|" * len(accounts)
    for part in accounts[BATCHES]:
        yield f"| {part} | " + " | ".join(value_text(accounts[name][part]) for name in accounts) + " |"


def table(shares: dict[str, Counter[str]]) -> Iterator[str]:
    """Percent of the looks, by part and by work, as lines of a page."""
    yield "| part | " + " | ".join(shares) + " |"
    yield "|---|" + "---:|" * len(shares)
    totals = {name: sum(found.values()) for name, found in shares.items()}
    parts = sorted({part for found in shares.values() for part in found}, key=lambda part: -shares[BATCHES][part])
    for part in parts:
        yield f"| {part} | " + " | ".join(f"{100 * shares[name][part] / totals[name]:.0f} %" for name in shares) + " |"


def count_parts(stacks: Iterable[str]) -> Counter[str]:
    """Looks by part, from lines of py-spy: frames from the outermost on, joined by `;`, a blank, and a number."""
    found: Counter[str] = Counter()
    for line in stacks:
        stack, _, looks = line.rstrip("\n").rpartition(" ")
        frames = stack.split(";")
        if not any(wait in frames[-1] for wait in WAITS):
            found[_part(frames)] += int(looks)
    return found


def _part(frames: Sequence[str]) -> str:
    for frame in reversed(frames):
        for part, marks in PARTS:
            if any(mark in frame for mark in marks):
                return part
    return "else"


def _account(supply: Supply, work: Work) -> dict[str, float]:
    """What one more costs: a large round less a small one, so that what both begin with is not counted."""
    with running_router() as router:
        work.round(router, supply, work.few)  # the first round finds nothing in any cache
        (few, small), (many, large) = [_used(router, supply, work, count) for count in (work.few, work.many)]
    operations = many.operations - few.operations
    used = {part: (large[part] - small[part]) / operations * 1e6 for part in large}
    return used | {VERIFICATION: many.limits.verification_s * 1e6}


def _used(router: RouterProcess, supply: Supply, work: Work, count: int) -> tuple[Round, dict[str, float]]:
    before, loop_before = router.cpu_time(), thread_cpu_s(router.pid)
    done = work.round(router, supply, count)
    after, loop = router.cpu_time(), thread_cpu_s(router.pid) - loop_before
    own = after.seconds[router.pid] - before.seconds[router.pid]
    return done, {LOOP: loop, THREADS: own - loop, WORKERS: after.since(before) - own}


def _profile(spy: str, folder: Path, supply: Supply, work: Work) -> Counter[str]:
    raw = folder / "raw"
    command = [spy, "record", "--subprocesses", "--rate", str(LOOKS_PER_S), "--format", "raw", "--output", str(raw)]
    with running_router() as router:
        watching = subprocess.Popen(
            [*command, "--duration", "600", "--pid", str(router.pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(1)
        for _ in range(ROUNDS):
            work.round(router, supply, work.many)
        watching.send_signal(signal.SIGINT)  # then it writes what it has seen
        watching.wait()
    return count_parts(raw.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    sys.exit(main())
