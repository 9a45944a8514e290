"""The intentron: the node that one person owns, and that a seller runs too.

What a person publishes, keeps and accepts is here: her keys, her vault, her stock, and the commands
over them.  It uses `authorities` and `byway`, and neither of them knows it.

Programs of one's own begin with `intentron.connect`; see `intentron.client`, and `examples/buyer.py`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byway.errors import BywayError
    from byway.node_address import parse_node_address
    from byway.protocol.descriptions import describe
    from byway.topic_text import parse_topic_text
    from intentron.client import connect
    from intentron.deal import Proposal, Wish
    from intentron.facet_text import parse_facet_text

__all__ = [
    "BywayError",
    "Proposal",
    "Wish",
    "connect",
    "describe",
    "parse_facet_text",
    "parse_node_address",
    "parse_topic_text",
]


def __getattr__(name: str) -> Any:
    """Import the library when it is asked for: most commands only speak to a node that runs already."""
    match name:
        case "BywayError":
            home = "byway.errors"
        case "connect":
            home = "intentron.client"
        case "describe":
            home = "byway.protocol.descriptions"
        case "Proposal" | "Wish":
            home = "intentron.deal"
        case "parse_facet_text":
            home = "intentron.facet_text"
        case "parse_node_address":
            home = "byway.node_address"
        case "parse_topic_text":
            home = "byway.topic_text"
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
