"""Writes the golden vectors.

    python -m tests.vectors.generate

What goes in, and what has to come out, is written by hand in the modules beside this one; only bytes are computed.
The same files come out each time.  A change in them is a change of the protocol.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.vectors.canonical_forms import canonical
from tests.vectors.frame_forms import frames
from tests.vectors.market_bodies import agreement, cast, close, decline, mailbox, offer, sealed
from tests.vectors.names import pattern, urn
from tests.vectors.notation import Vector
from tests.vectors.predicates import facet, filter_
from tests.vectors.router_bodies import acknowledgement, head, hello, receipt, record
from tests.vectors.signed_form import statement
from tests.vectors.stamp_forms import stamp

HERE = Path(__file__).parent

FILES: dict[str, Callable[[], Vector]] = {
    "urn": urn,
    "pattern": pattern,
    "canonical": canonical,
    "facet": facet,
    "filter": filter_,
    "statement": statement,
    "cast": cast,
    "close": close,
    "mailbox": mailbox,
    "sealed": sealed,
    "offer": offer,
    "agreement": agreement,
    "decline": decline,
    "record": record,
    "head": head,
    "receipt": receipt,
    "acknowledgement": acknowledgement,
    "hello": hello,
    "frames": frames,
    "stamp": stamp,
}


def path(name: str) -> Path:
    return HERE / f"{name}.json"


def render(name: str) -> str:
    """The text of the file with this name."""
    return json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    for name in FILES:
        path(name).write_text(render(name), encoding="utf-8")


if __name__ == "__main__":
    main()
