"""Shapes: what a field of a frame has to be, as small functions that are put together.

A `Shape` takes a decoded msgpack value and returns what the frame keeps, or raises `ValueError` with
the reason.  `byway.protocol.frames` has the table that says which field has which shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from byway.protocol.limits import MAX_DEPTH, MAX_INTEGER

Part = TypeVar("Part")
Shape = Callable[[Any], Any]

_SCALARS: Final = frozenset([bool, int, str, bytes, type(None)])


def integer(low: int, high: int = MAX_INTEGER) -> Shape:
    """An integer within `low` and `high`, both included."""

    def check(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"not an integer from {low} to {high}")
        return value

    return check


def text(low: int, high: int) -> Shape:
    """Text of `low` to `high` bytes of UTF-8."""

    def check(value: Any) -> str:
        if type(value) is not str or not low <= len(value.encode()) <= high:
            raise ValueError(f"not text of {_span(low, high)} bytes")
        return value

    return check


def octets(low: int, high: int) -> Shape:
    """From `low` to `high` bytes."""

    def check(value: Any) -> bytes:
        if type(value) is not bytes or not low <= len(value) <= high:
            raise ValueError(f"not {_span(low, high)} bytes")
        return value

    return check


def one_of(*choices: str) -> Shape:
    """One of a few words."""

    def check(value: Any) -> str:
        if type(value) is not str or value not in choices:
            raise ValueError(f"not one of {', '.join(choices)}")
        return value

    return check


def optional(shape: Shape) -> Shape:
    """Nil, or what `shape` says."""

    def check(value: Any) -> Any:
        return None if value is None else shape(value)

    return check


def either(*shapes: Shape) -> Shape:
    """What one of `shapes` says, the first that fits."""

    def check(value: Any) -> Any:
        reasons = []
        for shape in shapes:
            try:
                return shape(value)
            except ValueError as error:
                reasons.append(str(error))
        raise ValueError(" and ".join(dict.fromkeys(reasons)))

    return check


def array(shape: Shape, low: int, high: int) -> Shape:
    """From `low` to `high` elements of one shape."""

    def check(value: Any) -> tuple[Any, ...]:
        return tuple(map(shape, _elements(value, low, high)))

    return check


def fields(*shapes: Shape, make: Callable[..., Any] | None = None) -> Shape:
    """An array of exactly these elements, as a tuple or as what `make` makes of them."""

    def check(value: Any) -> Any:
        parts = [shape(part) for shape, part in zip(shapes, _elements(value, len(shapes), len(shapes)), strict=True)]
        return make(*parts) if make else tuple(parts)

    return check


def pairs(first: type, second: type, low: int, high: int) -> Shape:
    """From `low` to `high` pairs with elements of exactly these types: one pass, for the hot path."""

    def check(value: Any) -> tuple[Any, ...]:
        elements = _elements(value, low, high)
        for pair in elements:
            if type(pair) is not tuple or len(pair) != 2 or type(pair[0]) is not first or type(pair[1]) is not second:  # noqa: PLR2004 - a pair
                raise ValueError("not an array of pairs, each of the right types")
        return elements

    return check


def anything(value: Any) -> Any:
    """Any value of section 2, rules 1, 3 and 5: no float, no extension type, not nested too deep.

    Arrays come back as lists, as the readers of filters expect them.
    """
    return _plain(value, 2)


def _plain(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if kind is tuple:
        return [_plain(part, depth + 1) for part in value]
    if kind is dict:
        if not all(type(key) is str for key in value):
            raise ValueError("a map key that is not text")
        return {key: _plain(part, depth + 1) for key, part in value.items()}
    raise ValueError("a float or an extension type")


def _elements(value: Any, low: int, high: int) -> tuple[Any, ...]:
    if type(value) is not tuple or not low <= len(value) <= high:
        raise ValueError(f"not an array of {_span(low, high)} elements")
    return value


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
