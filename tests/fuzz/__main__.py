"""Fuzz every target, one after the other, from the kept corpus and the golden vectors.

    python -m tests.fuzz [--seconds N] [--keep] [TARGET...]

`--seconds` is for all targets together.  What the fuzzer finds stays in `build/fuzz/TARGET`; an input that made a
target raise is named at the end, and the exit status is then 1.  `--keep` puts the few inputs that reach the most code
into the kept corpus.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.inputs import FOLDER, name_of, seeds
from tests.fuzz.targets import TARGETS

FOUND = Path("build") / "fuzz"
MAX_BYTES = 4096  # of one input: the opening of a link, and more than any limit of a text
MAX_KEPT_BYTES = 1500
MAX_KEPT_FILES = 40
RSS_GROWTH_MB = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the parsers, one after the other.")
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--keep", action="store_true", help="renew the kept corpus from what was found")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="some of: " + ", ".join(TARGETS))
    chosen = parser.parse_args()
    names = chosen.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    bad = []
    for name in names:
        bad += _fuzz(name, max(1, chosen.seconds // len(names)))
        if chosen.keep:
            _keep(name)
    _say("\n".join(bad) or f"fuzz: ok, {len(names)} targets")
    return 1 if bad else 0


def _fuzz(name: str, seconds: int) -> list[str]:
    """Run one target.  Returns a line for each thing that is wrong."""
    found, seeded = FOUND / name / "found", FOUND / name / "seeds"
    for folder in (found, seeded):
        folder.mkdir(parents=True, exist_ok=True)
    for data in seeds(name):
        (seeded / name_of(data)).write_bytes(data)
    output = _libfuzzer(
        name,
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        "-timeout=5",
        f"-artifact_prefix={FOUND / name}/",
        str(found),
        str(FOLDER / name),
        str(seeded),
    )
    (FOUND / name / "log").write_text(output)
    memory = [int(megabytes) for megabytes in re.findall(r"rss: (\d+)Mb", output)]
    growth = memory[-1] - memory[0] if memory else 0
    runs = re.findall(r"Done (\d+) runs", output)
    covered = re.findall(r"cov: (\d+)", output)
    _say(f"{name:22} {(runs or ['?'])[-1]:>9} runs, {(covered or ['?'])[-1]:>5} edges, {growth:>3} MB more")
    bad = [f"{name}: {path}" for path in re.findall(r"Test unit written to (\S+)", output)]
    if not runs and not bad:
        bad.append(f"{name}: the fuzzer did not finish; see {FOUND / name / 'log'}")
    if growth > RSS_GROWTH_MB:
        bad.append(f"{name}: the memory grew by {growth} MB")
    return bad


def _keep(name: str) -> None:
    """Put the smallest set of small inputs that reaches what all of them reach into the kept corpus."""
    least = FOUND / name / "least"
    least.mkdir(parents=True, exist_ok=True)
    for path in least.iterdir():
        path.unlink()
    folders = [str(folder) for folder in (FOUND / name / "seeds", FOLDER / name, FOUND / name / "found")]
    _libfuzzer(name, "-set_cover_merge=1", f"-max_len={MAX_KEPT_BYTES}", str(least), *folders)
    kept = FOLDER / name
    kept.mkdir(exist_ok=True)
    small = [data for path in least.iterdir() if len(data := path.read_bytes()) <= MAX_KEPT_BYTES]
    for data in sorted(small, key=len)[:MAX_KEPT_FILES]:
        (kept / name_of(data)).write_bytes(data)


def _libfuzzer(name: str, *options: str) -> str:
    (FOLDER / name).mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.one_target", name, *options]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode(errors="replace")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
