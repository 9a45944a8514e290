"""What callgrind counts becomes a table, and the parts that it counts can be done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import instructions
from benchmarks.counted.account import BORDER, Account, Part
from benchmarks.instructions import SUMS, between_borders, of_each, table
from benchmarks.report.page import put_between


def head(number: int, count: int, trigger: str = f"--dump-before={BORDER}") -> str:
    """As callgrind 3.19 begins a file."""
    return (
        f"# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npid: 5581\ncmd:  python\npart: {number}\n\n\n"
        f"desc: I1 cache: \n\ndesc: Timerange: Basic block 7876847 - 8668352\ndesc: Trigger: {trigger}\n\n"
        f"positions: line\nevents: Ir\nsummary: {count}\n\n\nob=(1) libc.so.6\n"
    )


def test_every_second_count_is_a_part() -> None:
    heads = [head(10, 5), head(1, 900), head(2, 30), head(9, 70), head(11, 8, "Program termination")]
    assert between_borders(heads) == [30, 5]


def test_a_file_without_its_count_is_an_error() -> None:
    with pytest.raises(ValueError, match="summary"):
        between_borders([head(1, 5).replace("summary: 5", "")])


def test_a_part_with_two_turns_is_their_sum() -> None:
    done = [(Part.VERIFY, 10), (Part.HANDSHAKE, 4), (Part.HANDSHAKE, 2)]
    assert of_each(done, [100, 40, 20]) == {Part.VERIFY: 10, Part.HANDSHAKE: 20}


def test_a_part_that_was_not_counted_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 parts, not 2"):
        of_each([(Part.VERIFY, 1), (Part.READ, 1)], [5])


def test_the_table_has_every_part_and_sum_as_multiples_of_a_verification() -> None:
    lines = list(table(dict.fromkeys(Part, 1000.0) | {Part.READ: 2500.0}))
    assert len(lines) == 2 + len(Part) + len(SUMS)
    assert f"| {Part.LIBSODIUM} | 1,000 | 1 |" in lines
    assert f"| {Part.READ} | 2,500 | 2.5 |" in lines
    assert "| **all of a cast in a Submit of 64** | 6,500 | 6.5 |" in lines


def test_half_of_the_items_are_done_before_it_is_counted() -> None:
    account = Account()
    seen: list[int] = []
    account.count(Part.FRAME_64, seen.append, [1, 2, 3, 4, 5], each=64)
    assert seen == [1, 2, 3, 4, 5]
    assert account.parts == [(Part.FRAME_64, 3 * 64)]


def test_every_part_is_done() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks.counted"], capture_output=True, text=True, check=True)
    assert {part for part, _ in json.loads(done.stdout)} == set(Part)


def test_who_has_no_valgrind_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert instructions.main() == 1
    assert "sudo apt-get install valgrind" in capsys.readouterr().err


def test_the_rest_of_a_page_stays_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- b -->\nafter\n", encoding="utf-8")
    put_between("<!-- a -->", "<!-- b -->", ["new"], page)
    assert page.read_text(encoding="utf-8") == "before\n<!-- a -->\n\nnew\n\n<!-- b -->\nafter\n"


@pytest.mark.parametrize("text", ["no marker\n", "<!-- a -->\nno end\n"])
def test_a_page_without_the_markers_is_left_alone(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="no place"):
        put_between("<!-- a -->", "<!-- b -->", ["new"], page)
    assert page.read_text(encoding="utf-8") == text
