"""How the story is told: short lines, who does what, in the order in which it happens."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Teller:
    """Writes the story to the terminal, each line with the seconds since it began."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def act(self, title: str) -> None:
        """A new act begins."""
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    def say(self, who: str, what: str) -> None:
        """Somebody does something, or something happens to somebody."""
        self._console.print(f"{self.seconds:5.1f}  [cyan]{escape(who):<24}[/cyan] {escape(what)}")

    def command(self, who: str, command: str) -> None:
        """What a person would type for what happens now."""
        self._console.print(
            f"{self.seconds:5.1f}  [cyan]{escape(who):<24}[/cyan] [dim]by hand: {escape(command)}[/dim]"
        )

    def table(self, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows under headings; `columns` maps the key in a row to its heading."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in columns.values():
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(escape(str(row.get(key) or "")) for key in columns))
        self._console.print(table)

    def lines(self, lines: Sequence[str]) -> None:
        """Lines as they are."""
        for line in lines:
            self._console.print(escape(line))
