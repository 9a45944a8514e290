"""Figures, their table on the screen, and their file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import apsw
from rich.console import Console
from rich.table import Table

MEASURED_WITH: Final = ("trio", "apsw", "pynacl", "msgpack", "pydantic")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, its unit, and what it should be at most (a ratio or a cost) or at least (a rate), if anything."""

    name: str
    value: float
    unit: str
    target: float | None = None


def machine() -> dict[str, str | int]:
    """What the figures were taken on."""
    return {
        "cores": os.cpu_count() or 0,
        "processor": platform.processor() or platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        **{name: version(name) for name in MEASURED_WITH},
    }


def commit() -> str:
    """The commit that was measured, with `+` if the tree differs from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--abbrev=12", "--dirty=+"],  # noqa: S607 - git is where the PATH says
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def show(figures: Sequence[Figure]) -> None:
    """Print the figures as a table."""
    table = Table(title="Intention Byway, ratios and costs of one run")
    for heading in ("figure", "value", "unit", "target"):
        table.add_column(heading, justify="right" if heading in {"value", "target"} else "left")
    for figure in figures:
        target = "" if figure.target is None else f"{figure.target:g}"
        table.add_row(figure.name, f"{figure.value:,.4g}", figure.unit, target)
    Console().print(table)


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures with machine and commit as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": machine(), "commit": commit(), "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(result, indent=2) + "\n")
