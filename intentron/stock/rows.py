"""The rows of a CSV file, each with its line, and what cannot be a row.

One bad row affects only itself: reading goes on in the line after the one in which it began.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from intentron.stock.cells import quoted

MAX_ROW_LINES: Final = 50  # a quote that is never closed may not swallow the rest of the file

_SHOWN_COLUMNS: Final = 8
_FIRST_BYTES: Final = 64
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF_16: Final = "in UTF-16, not in UTF-8"
_OTHER_FILES: Final = {
    b"PK\x03\x04": "a spreadsheet or an archive, not CSV",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet, not CSV",
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}
_OTHER_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


class Problem(NamedTuple):
    """What is wrong at a line of the file, counted from 1."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}"


class Cells(NamedTuple):
    """The cells of the row that begins at `line`, by column."""

    line: int
    by_column: dict[str, str]


def read_rows(data: bytes, columns: Sequence[str]) -> Iterator[Cells | Problem]:
    """The rows below the header of a CSV file in UTF-8, in order, with the cells of `columns`.

    Empty rows are left out.  A byte that is not UTF-8 stays in its cell, as a lone surrogate.  After a
    problem with the header nothing follows.  A file without a row is a problem too.
    """
    for mark, what in _OTHER_FILES.items():
        if data.startswith(mark):
            yield Problem(1, f"the file is {what}; save it as CSV UTF-8")
            return
    if b"\x00" in data[:_FIRST_BYTES]:  # every other byte of plain text in UTF-16 is zero
        yield Problem(1, f"the file is {_UTF_16}, or it is no text; save it as CSV UTF-8")
        return
    text = data.removeprefix(_UTF8_MARK).decode("utf-8", "surrogateescape")
    rows = _split(list(io.StringIO(text, newline="")))
    start, header = next(rows, (1, "the file is empty"))
    names = [] if isinstance(header, str) else [name.strip() for name in header]
    fault = header if isinstance(header, str) else _header_fault(names, columns)
    if fault:
        yield Problem(start, fault)
        return
    places = {column: names.index(column) for column in columns}
    line = start
    for line, row in rows:
        if isinstance(row, str):
            yield Problem(line, row)
        else:
            yield Cells(line, {column: row[place] for column, place in places.items()})
    if line == start:
        yield Problem(start, "the file has a header, and no row below it")


def _split(lines: Sequence[str]) -> Iterator[tuple[int, list[str] | str]]:
    """Each row that is not empty with its first line, or why there is none.  The first row says how wide rows are."""
    at = width = 0
    while at < len(lines):
        reader = csv.reader(lines[at : at + MAX_ROW_LINES], strict=True)
        line, row, fault = at + 1, [], ""
        try:
            row = next(reader)
        except csv.Error as error:
            fault = f"this is not a row of CSV: {error}"
        if any(cell.strip() for cell in row):
            width = width or len(row)
            if len(row) != width:
                fault = f"the row has {len(row)} cells, the header has {width}"
        at += 1 if fault else reader.line_num
        if fault:
            yield line, fault
        elif any(cell.strip() for cell in row):
            yield line, row


def _header_fault(names: Sequence[str], columns: Sequence[str]) -> str:
    """What keeps a header from being used, and what to do; or nothing."""
    for name in names:
        if any("\ud800" <= character <= "\udfff" for character in name):  # a byte that is not UTF-8
            shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            return f"the column {quoted(shown)} is not UTF-8; save the sheet as CSV UTF-8"
    if len(names) == 1:
        for separator, called in _OTHER_SEPARATORS.items():
            if separator in names[0]:
                return f"the cells stand between {called}, not between commas; save the sheet as CSV with commas"
    if missing := [column for column in columns if column not in names]:
        found = ", ".join(quoted(name) for name in names[:_SHOWN_COLUMNS])
        mend = "name them so in the first line, or make a column map of your own"
        return f"the file has no column {', '.join(map(quoted, missing))}; its columns begin with {found}; {mend}"
    if twice := [column for column in columns if names.count(column) > 1]:
        return f"the file has the column {quoted(twice[0])} more than once; give each a name of its own"
    return ""
