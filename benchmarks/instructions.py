"""`python -m benchmarks.instructions`: how many instructions each part of the way of a cast takes.

callgrind counts instructions, not seconds: a run on a busy machine gives what a run on an idle one does.  It sees
neither the kernel nor what waits, nor how long an instruction takes.  The table goes into `docs/performance.md`.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.counted.account import BORDER, Part
from benchmarks.report.numbers import value_text
from benchmarks.report.page import put_between

BEGIN: Final = "<!-- instructions: written by `python -m benchmarks.instructions` -->"
END: Final = "<!-- end of the instructions -->"

SUMS: Final[dict[str, tuple[Part, ...]]] = {
    "all of a cast in a Submit of 64": (Part.FRAME_64, Part.READ, Part.VERIFY, Part.COMMIT_64, Part.ANSWER_64),
    "all of a cast in a Submit of its own": (Part.FRAME_1, Part.READ, Part.VERIFY, Part.COMMIT_1, Part.ANSWER_1),
    "all of a delivery in a Deliver of its own": (Part.DELIVER, Part.ENCRYPT),
    "all of a delivery in a Deliver of 64": (Part.DELIVER_64, Part.ENCRYPT_64),
}

_NUMBER: Final = re.compile(r"^part: (\d+)$", re.MULTILINE)
_COUNT: Final = re.compile(r"^summary: (\d+)$", re.MULTILINE)
_AT_A_BORDER: Final = f"desc: Trigger: --dump-before={BORDER}\n"
_HEAD: Final = 4096  # characters; what follows says which function it was


def main() -> int:
    """Count, print, and put the table into the page."""
    valgrind = shutil.which("valgrind")
    if not valgrind:
        print("valgrind is not here: sudo apt-get install valgrind", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="byway-instructions-") as name:
        try:
            done = _count(valgrind, Path(name) / "counted")
            each = of_each(done, between_borders(_head(path) for path in Path(name).iterdir()))
        except subprocess.CalledProcessError as error:
            print(f"{error.stderr}\nthe parts fail, or valgrind does: python -m benchmarks.counted", file=sys.stderr)
            return 1
        except ValueError as error:
            print(f"{error}; another valgrind may: sudo apt-get install --only-upgrade valgrind", file=sys.stderr)
            return 1
    lines = [_versions(valgrind), "", *table(each)]
    print("\n".join(lines))
    put_between(BEGIN, END, lines)
    return 0


def between_borders(heads: Iterable[str]) -> list[int]:
    """The instructions of each part, from the heads of callgrind's files: every second one ends where a part begins.

    Raises `ValueError` for a file without its number or its count.
    """
    found = {int(_only(_NUMBER, head)): int(_only(_COUNT, head)) for head in heads if _AT_A_BORDER in head}
    return [found[number] for number in sorted(found)][1::2]


def of_each(done: Sequence[tuple[Part, int]], counts: Sequence[int]) -> dict[Part, float]:
    """The instructions of one cast, delivery or handshake by part; a part that was counted twice has two turns.

    Raises `ValueError` if there are not as many counts as were asked for.
    """
    if len(done) != len(counts):
        raise ValueError(f"callgrind has counted {len(counts)} parts, not {len(done)}")
    each: dict[Part, float] = {}
    for (part, times), count in zip(done, counts, strict=True):
        each[part] = each.get(part, 0.0) + count / times
    return each


def table(each: Mapping[Part, float]) -> Iterator[str]:
    """Instructions, and as a multiple of one verification by libsodium, as lines of a page."""
    yield "| part | instructions | verifications |"
    yield "|---|---:|---:|"
    for part in Part:
        yield _row(part, each[part], each)
    for name, parts in SUMS.items():
        yield _row(f"**{name}**", sum(each[part] for part in parts), each)


def _row(name: str, count: float, each: Mapping[Part, float]) -> str:
    return f"| {name} | {count:,.0f} | {value_text(count / each[Part.LIBSODIUM])} |"


def _count(valgrind: str, to: Path) -> list[tuple[Part, int]]:
    """Do all parts under callgrind, which writes its files to `to` and beside it: which parts, and how often."""
    callgrind = [valgrind, "--quiet", "--tool=callgrind", f"--dump-before={BORDER}", f"--callgrind-out-file={to}"]
    ended = subprocess.run(
        [*callgrind, sys.executable, "-m", "benchmarks.counted"],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [(Part(part), times) for part, times in json.loads(ended.stdout)]


def _head(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_HEAD)


def _only(wanted: re.Pattern[str], head: str) -> str:
    found = wanted.search(head)
    if found is None:
        raise ValueError(f"callgrind has written a file without {wanted.pattern}")
    return found[1]


def _versions(valgrind: str) -> str:
    told = subprocess.run([valgrind, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{told}, python {platform.python_version()}, pynacl {version('pynacl')}, {ssl.OPENSSL_VERSION}."


if __name__ == "__main__":
    sys.exit(main())
