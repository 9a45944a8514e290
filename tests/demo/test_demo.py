"""The demonstration, as a newcomer runs it: real processes from end to end."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from byway.errors import SetupError
from intentron.demo.__main__ import SHIPPED
from intentron.demo.markets import food, homes

WITHIN_S = 120


@pytest.mark.slow
def test_the_demonstration_ends_well(pytestconfig: pytest.Config) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "intentron.demo"],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        cwd=pytestconfig.rootpath,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["demo: ok"], done.stdout + done.stderr
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert re.search(r"  cast\.to +urn:byway:topic:[a-z2-7]{6}\.\.\.:homes:boston\n", done.stdout)
    assert "intentrons start, 3 at a time" in done.stdout


def test_the_shipped_stock_shows_every_reason_for_which_a_cast_arrives_or_does_not() -> None:
    for market in (homes(SHIPPED / "homes.csv"), food(SHIPPED / "farm-food.csv")):
        reached = [seller for seller in market.sellers if not seller.reason]
        assert len(reached) == 2
        assert len(market.sheet.problems) == 2
        assert len({seller.own for seller in market.sellers}) == len(market.sellers)
    assert sum(seller.away for seller in homes(SHIPPED / "homes.csv").sellers) == 1


def test_a_file_without_the_columns_is_refused_with_the_columns_it_lacks(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("name,price\na home,5\n")

    for market, lacks, column_map in ((homes, "'pid'", "homes"), (food, "'fm_id'", "farm-food")):
        with pytest.raises(SetupError, match=f"line 1: the file has no column {lacks}") as caught:
            market(other)
        assert caught.value.code == "bad-sheet"
        assert "too small" not in str(caught.value)
        assert f"the column map {column_map}" in str(caught.value)
        assert caught.value.next_step.endswith(f"/maps/{column_map}.toml")


def test_a_stock_that_is_too_small_for_the_story_is_refused_in_a_sentence(tmp_path: Path) -> None:
    small = tmp_path / "homes.csv"
    small.write_text("\n".join((SHIPPED / "homes.csv").read_text().splitlines()[:3]) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "intentron.demo", "--homes", str(small)],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 1
    assert "too small for the story" in done.stderr
    assert "Traceback" not in done.stderr
