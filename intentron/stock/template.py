"""Texts with holes: `"{address} {unit}, Boston {zip}"`.

A hole whose value is unknown leaves nothing behind, not even the comma that would have followed it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_HOLE: Final = re.compile(r"\{([^{}]+)\}")
_LOOSE_COMMA: Final = re.compile(r"\s*,(?:\s*,)*")


def holes(template: str) -> tuple[str, ...]:
    """The names that `template` asks for, in order.  Raises `ValueError` for a brace that has no partner."""
    if set("{}") & set(_HOLE.sub("", template)):
        raise ValueError(f"{template!r} has a brace without a partner")
    return tuple(_HOLE.findall(template))


def fill(template: str, value: Callable[[str], str | None]) -> str:
    """`template` with each hole filled by `value(name)`; what an unknown value would leave behind is tidied away."""
    filled = _HOLE.sub(lambda hole: value(hole[1]) or "", template)
    return _LOOSE_COMMA.sub(",", " ".join(filled.split())).strip(" ,")
