"""What commands write: times in words, tables in 80 columns, bytes with offsets, nothing that steers a terminal."""

from __future__ import annotations

import time

import pytest

from byway.protocol.limits import DAY_MS, HOUR_MS, MAX_TIME_MS, MINUTE_MS
from intentron.cli.show import fact, hex_lines, moment, relative, table

NOW = 1_790_000_000_000


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (0, "now"),
        (-59_000, "now"),
        (MINUTE_MS, "in 1 minute"),
        (-90 * MINUTE_MS, "90 minutes ago"),
        (47 * HOUR_MS, "in 47 hours"),
        (13 * DAY_MS + HOUR_MS, "in 13 days"),
        (-2 * DAY_MS, "2 days ago"),
    ],
)
def test_a_time_is_told_as_people_say_it(away: int, words: str) -> None:
    assert relative(NOW + away, NOW) == words


def test_a_moment_is_told_in_the_local_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    try:
        assert moment(NOW, NOW) == "Mon 21 Sep 2026, 09:13 (now)"
        assert moment(MAX_TIME_MS, NOW).startswith("Fri 31 Dec 9999")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_a_stranger_wrote_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    fact("title", "a\x1b[2Jb")
    table(("what",), [("[red]\x1b]0;x\x07:smile:[/red]",)])

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "title       a\\x1b[2Jb\n" in out
    assert "[red]\\x1b]0;x\\x07:smile:[/red]" in out


def test_a_value_that_is_empty_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    fact("price", None)
    fact("terms", "")
    fact("offers", 0)

    assert capsys.readouterr().out == "offers      0\n"


def test_a_table_fits_eighty_columns_and_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = " ".join(f"word{number}" for number in range(30))
    table(("cast", "wish", "offers"), [("C-7K2M", words, 3)], numbers=("offers",))

    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert set(words.split()) <= set(out.split())


def test_no_word_topic_or_urn_in_a_table_is_parted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    urn = f"urn:byway:topic:{'a' * 52}:homes:boston"
    table(("field", "value"), [("cast.facets.price", "x" * 200), ("cast.authority", f"{urn} here")])

    out = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"cast.authority     {urn}") for line in out)
    assert any(line.startswith("cast.facets.price  x") for line in out)
    assert "x" * 200 not in out[1]


def test_bytes_are_shown_with_offsets_and_equal_lines_once() -> None:
    data = b"IB\x01\x01" + bytes(12) + bytes(64) + b"end"

    assert list(hex_lines(data)) == [
        "0000  49 42 01 01 00 00 00 00 00 00 00 00 00 00 00 00  IB..............",
        "0010  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................",
        "*",
        "0050  65 6e 64                                         end",
    ]
    assert list(hex_lines(bytes(32)))[-1].startswith("0010")
    assert list(hex_lines(b"")) == []
