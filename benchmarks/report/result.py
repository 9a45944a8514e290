"""The result of a run as JSON: machine, versions, commit, figures."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

import apsw

from benchmarks.figure import Figure, Spread

ROOT: Final = Path(__file__).parent.parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results"
LATEST: Final = RESULTS / "latest.json"
"""Of the last `make bench-full`; committed."""
LAST: Final = RESULTS / "last.json"
"""Of the last `make bench` here; not committed."""

MEASURED_WITH: Final = ("trio", "apsw", "pynacl", "msgpack", "pydantic", "cryptography")


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured, on what, and when."""

    at: str
    commit: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    seconds: int
    left_out: Sequence[str]
    figures: Sequence[Figure]

    @classmethod
    def now(
        cls, figures: Sequence[Figure], *, seconds: float, peers: Mapping[str, str], left_out: Sequence[str] = ()
    ) -> Self:
        """Measured here and now."""
        when = datetime.now(UTC).isoformat(timespec="minutes")
        return cls(when, _commit(), _machine(), _versions() | dict(peers), round(seconds), left_out, figures)

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote.  Raises `OSError`, and `ValueError` for a file that is something else."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**told, "figures": [_figure(each) for each in told["figures"]]})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no result of the benchmarks: {error}") from error

    def write(self, path: Path) -> None:
        """As JSON, one figure a line, so that a change can be read."""
        path.parent.mkdir(parents=True, exist_ok=True)
        told = asdict(self)
        lines = ",\n".join(f"  {json.dumps(figure, ensure_ascii=False)}" for figure in _rounded(told.pop("figures")))
        head = json.dumps(told, indent=1, ensure_ascii=False).removesuffix("\n}")
        path.write_text(f'{head},\n "figures": [\n{lines}\n ]\n}}\n', encoding="utf-8")

    def by_name(self) -> dict[str, Figure]:
        return {figure.name: figure for figure in self.figures}


def _figure(told: Mapping[str, Any]) -> Figure:
    in_limits = told["in_limits"]
    spreads = {"value": _spread(told["value"]), "in_limits": _spread(in_limits) if in_limits else None}
    return Figure(**{**told, **spreads})


def _spread(told: Sequence[Any]) -> Spread:
    if len(told) != len(Spread._fields):
        raise ValueError("its figures are without their rounds, so that they have to be measured again")
    median, low, high, rounds, samples = told
    return Spread(median, low, high, rounds, tuple(samples))


def _rounded(value: Any) -> Any:
    """Four digits are more than any figure is good for."""
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {name: _rounded(part) for name, part in value.items()}
        case list() | tuple():
            return [_rounded(part) for part in value]
    return value


def _machine() -> dict[str, str]:
    return {
        "cores": str(os.cpu_count() or "unknown"),
        "processor": _processor(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        **{name: version(name) for name in MEASURED_WITH},
    }


def _commit() -> str:
    """The commit that was measured, with `+` if the tree differs from it."""
    described = _git(["describe", "--always", "--abbrev=12", "--dirty=+"])
    return described or "unknown"


def _git(words: Iterable[str]) -> str:
    told = subprocess.run(
        ["git", *words],  # noqa: S607 - git is where the PATH says
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip()
