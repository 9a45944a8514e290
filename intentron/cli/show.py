"""How commands write to a person: facts one a line, tables that fit 80 columns, times as people say them.

What strangers wrote is shown without anything that could steer a terminal.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from byway.protocol.calendar_text import format_instant
from byway.protocol.descriptions import printable
from byway.protocol.limits import DAY_MS, HOUR_MS, MAX_URN_BYTES, MINUTE_MS

LABEL_WIDTH: Final = 12
_GAP: Final = 2  # between two columns
_LONGEST_WORD: Final = 24  # characters that are never parted
_ROW: Final = 16  # bytes of a line in hex

Cell = str | int | list[str] | None

_UNITS: Final = ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"))
_TWO: Final = 2  # "47 hours" says more than "1 day"


def now_ms() -> int:
    """The wall clock, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def fact(label: str, value: object) -> None:
    """One line: what it is, and its value.  Nothing is printed for a value that is empty."""
    text = printable(str(value)) if value is not None else ""
    if text:
        print(f"{label:<{LABEL_WIDTH}}{text}")


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, numbers: Sequence[str] = ()) -> None:
    """Rows under their columns, as wide as the terminal; those named in `numbers` are aligned to the right.

    A cell of several lines is a list of them.  A topic or a URN is never cut, so that it can be copied: rather is the
    table wider than the terminal.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[_cell(cell) for cell in row] for row in rows]
    console = Console(highlight=False, markup=False, emoji=False)
    widths = _widths([list(column) for column in zip(columns, *cells, strict=True)], console.width)
    console.width = max(console.width, sum(widths) + _GAP * (len(widths) - 1))
    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["right", "left"] = "right" if column in numbers else "left"
        shown.add_column(Text(column), justify=justify, overflow="fold", width=width)
    for row in cells:
        shown.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(shown)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """How wide each column is: what it needs, the widest ones cut down until all fit, but no word, topic or URN."""
    from rich.cells import cell_len

    widths = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]
    least = [
        max((min(cell_len(word), _longest(word)) for cell in column for word in cell.split()), default=1)
        for column in columns
    ]
    while sum(widths) + _GAP * (len(widths) - 1) > room:
        loose = [at for at, width in enumerate(widths) if width > least[at]]
        if not loose:
            break
        widths[max(loose, key=widths.__getitem__)] -= 1
    return widths


def _longest(word: str) -> int:
    """How much of a word stays in one line."""
    return MAX_URN_BYTES if ":" in word else _LONGEST_WORD


def _cell(cell: Cell) -> str:
    lines = cell if isinstance(cell, list) else [cell]
    return "\n".join(printable(str(line)) for line in lines if line is not None and line != "")


def waits(rows: Iterable[dict[str, Any]]) -> None:
    """What each of `rows` that waits is waiting for, and what its owner can do, if there is something to do."""
    for row in rows:
        if row["waiting_for"]:
            fact(row["name"], f"waits: {row['waiting_for']}; it is kept here and tried again")
            fact("", row["next_step"])


def counted(count: int, one: str, many: str = "") -> str:
    """`1 item`, `38 items`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def relative(instant: int, now: int) -> str:
    """`in 13 days`, `5 hours ago`, `now`."""
    away = abs(instant - now)
    for unit, name in _UNITS:
        if away >= (_TWO * unit if unit != MINUTE_MS else unit):
            words = counted(away // unit, name)
            return f"in {words}" if instant > now else f"{words} ago"
    return "now"


def moment(instant: int, now: int) -> str:
    """`Sat 5 Dec 2026, 18:00 (in 13 days)`, in the local zone."""
    try:
        local = datetime.fromtimestamp(instant / 1000, UTC).astimezone()
    except (ValueError, OverflowError, OSError):  # no zone database goes that far
        return f"{format_instant(instant)} ({relative(instant, now)})"
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} ({relative(instant, now)})"


def clock(instant: int) -> str:
    """`5 Dec 18:00:07`, in the local zone."""
    local = datetime.fromtimestamp(instant / 1000, UTC).astimezone()
    return f"{local.day:>2} {local:%b %H:%M:%S}"


def topic_text(urn: str) -> str:
    """A topic as short as it can be told: `open:homes:boston`."""
    return urn.removeprefix("urn:byway:topic:")


def terms_text(urn: str) -> str:
    """Terms as short as they can be told: `terms customercommons:nostalking`."""
    return f"terms {urn.removeprefix('urn:byway:terms:')}"


def facets_text(facets: dict[str, str]) -> str:
    """Facets in one line: `beds 2, price up to 800,000.00 USD`."""
    return ", ".join(f"{name} {value}" for name, value in facets.items())


def demand_lines(demand: dict[str, Any]) -> list[str]:
    """The rest of a wish, a line for each of its words; what every wish says is left out."""
    return [f"{name} {value}" for name, value in demand.items() if name != "@type"]


def address_text(node_address: str | None) -> str:
    """Where a node is, without its key."""
    return (node_address or "").rpartition("@")[2]


def hex_lines(data: bytes) -> Iterable[str]:
    """The bytes in hex with offsets, sixteen a line; of equal lines in a row only the first, then a star."""
    before, starred = b"", False
    for offset in range(0, len(data), _ROW):
        row = data[offset : offset + _ROW]
        if row == before and offset + _ROW < len(data):
            if not starred:
                yield "*"
            starred = True
            continue
        before, starred = row, False
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)  # noqa: PLR2004 - printable ASCII
        yield f"{offset:04x}  {row.hex(' '):<{3 * _ROW - 1}}  {text}"
