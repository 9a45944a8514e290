"""What would leave this computer, for the eyes of the person whose wish it is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from intentron.cli.show import address_text, fact, hex_lines, table, topic_text
from intentron.cli.understood import show_facets


def show(would: dict[str, Any], facets: Mapping[str, Any]) -> None:
    """Print what `POST /casts` with `dry_run` answers: who sees which field, how long it is, and the very bytes.

    `facets` are those of the wish, as they were typed.
    """
    fact("dry run", "nothing is sent; this is what would leave")
    fact("topic", topic_text(would["topic"]))
    show_facets(facets)
    fact("router", address_text(would["router"]))
    fact("mailbox", address_text(would["authority"]))
    for who, rows in groupby(would["disclosed"], key=lambda row: row["who"]):
        print()
        print(f"seen by {who}")
        table(
            ("field", "value", "bytes"),
            ((row["field"], row["value"], row["bytes"] or "") for row in rows),
            numbers=("bytes",),
        )
    for statement in would["statements"]:
        data = bytes.fromhex(statement["hex"])
        print()
        print(f"{statement['name']}: {len(data):,} bytes (a star stands for more of the same line)")
        for line in hex_lines(data):
            print(line)
    print()
    print("keys, times and signatures are of this dry run; the real ones are made anew,")
    print("and are as long")
    fact("sent", "nothing")
