"""Canonical msgpack: one encoding for each value (wire-protocol section 2).

`scan` is the definition: a walk over the bytes that refuses everything but the canonical form.
`decode` is what the hot path uses: a bounded unpack, one walk over the values, and a re-encoding
that has to give the same bytes.  A property test keeps their verdicts equal.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import msgpack

from byway.errors import StatementError
from byway.protocol.limits import MAX_DEPTH, MAX_INTEGER, MAX_VALUES, MIN_INTEGER

Value = None | bool | int | str | bytes | list[Any] | dict[str, Any]

_PLAIN: Final = frozenset([str, bool, bytes, type(None)])
_AS_IT_IS: Final = (str, bytes, type(None))
_NESTED: Final = (dict, list, tuple)
_FLOATS_AND_EXTENSIONS: Final = frozenset([0xC1, *range(0xC7, 0xCC), *range(0xD4, 0xD9)])


def encode(value: Value) -> bytes:
    """The canonical bytes of `value`; map keys are sorted here, in every depth.

    Raises `StatementError` for what has no canonical form: floats, extension types, keys that are
    not text, lone surrogates, integers beyond 64 bits signed, nesting or counts over the limits.
    """
    try:
        packed: bytes = msgpack.packb(_sorted([value], 1, [0])[0])
    except UnicodeEncodeError:
        raise _not_canonical("text is not UTF-8") from None
    return packed


def decode(data: bytes, *, max_bytes: int) -> Value:
    """The value that `data` is the canonical encoding of.  Raises `StatementError` for anything else."""
    if len(data) > max_bytes:
        raise StatementError(f"{len(data)} bytes are more than {max_bytes}", code="too-large")
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            max_array_len=MAX_VALUES,
            max_map_len=MAX_VALUES,
            max_str_len=max_bytes,
            max_bin_len=max_bytes,
            max_ext_len=0,
        )
        same = _is_plain(value) and msgpack.packb(value) == data
    except (ValueError, msgpack.UnpackException, OverflowError, RecursionError, TypeError):
        same = False
    if not same:
        scan(data, max_bytes=max_bytes)  # finds the exact reason
        raise StatementError("the body is not in canonical form", code="not-canonical")
    result: Value = value
    return result


def scan(data: bytes, *, max_bytes: int) -> None:
    """Return if `data` is one value in canonical msgpack; raise `StatementError` with the reason if not."""
    if len(data) > max_bytes:
        raise StatementError(f"{len(data)} bytes are more than {max_bytes}", code="too-large")
    end = _Scanner(data).value(0, 1)
    if end != len(data):
        raise _not_canonical("bytes follow the value")


def _not_canonical(why: str) -> StatementError:
    return StatementError(why, code="not-canonical")


class _Scanner:
    """The byte-level walk.  `value(at, depth)` returns the offset behind the value at `at`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._values = 0

    def value(self, at: int, depth: int) -> int:
        self._values += 1
        if self._values > MAX_VALUES:
            raise StatementError(f"there are more than {MAX_VALUES} values", code="too-large")
        first = self._uint(at, 1)
        at += 1
        if first <= 0x7F or first >= 0xE0 or first in {0xC0, 0xC2, 0xC3}:
            return at
        if first in _FLOATS_AND_EXTENSIONS or first in {0xCA, 0xCB}:
            raise _not_canonical("floats and extension types have no canonical form")
        if 0xCC <= first <= 0xD3:
            return self._integer(first, at)
        if first <= 0x8F:
            return self._map(first & 0x0F, at, depth)
        if first <= 0x9F:
            return self._array(first & 0x0F, at, depth)
        if first <= 0xBF:
            return self._text(first & 0x1F, at)
        return self._sized(first, at, depth)

    def _integer(self, first: int, at: int) -> int:
        width = 1 << (first & 0x03)
        number = self._uint(at, width)
        if first <= 0xCF:
            shortest = number > (0x7F, 0xFF, 0xFFFF, 0xFFFFFFFF)[first - 0xCC]
            if number > MAX_INTEGER:
                raise _not_canonical("an integer is beyond 64 bits signed")
        else:
            signed = number - (1 << (8 * width)) if number >> (8 * width - 1) else number
            shortest = signed < (-32, -(2**7), -(2**15), -(2**31))[first - 0xD0]
        if not shortest:
            raise _not_canonical("an integer is not in its shortest form")
        return at + width

    def _sized(self, first: int, at: int, depth: int) -> int:
        """Read bin 8/16/32, str 8/16/32, array 16/32, map 16/32."""
        width, floor = {
            0xC4: (1, 0), 0xC5: (2, 0x100), 0xC6: (4, 0x10000),
            0xD9: (1, 32), 0xDA: (2, 0x100), 0xDB: (4, 0x10000),
            0xDC: (2, 16), 0xDD: (4, 0x10000), 0xDE: (2, 16), 0xDF: (4, 0x10000),
        }[first]  # fmt: skip
        length = self._uint(at, width)
        if length < floor:
            raise _not_canonical("a length is not in its shortest form")
        at += width
        if first <= 0xC6:
            return self._skip(at, length)
        if first <= 0xDB:
            return self._text(length, at)
        return self._array(length, at, depth) if first <= 0xDD else self._map(length, at, depth)

    def _text(self, length: int, at: int) -> int:
        end = self._skip(at, length)
        try:
            self._data[at:end].decode("utf-8")
        except UnicodeDecodeError:
            raise _not_canonical("text is not UTF-8") from None
        return end

    def _array(self, length: int, at: int, depth: int) -> int:
        self._check_depth(depth)
        for _ in range(length):
            at = self.value(at, depth + 1)
        return at

    def _map(self, length: int, at: int, depth: int) -> int:
        self._check_depth(depth)
        before: bytes | None = None
        for _ in range(length):
            first = self._uint(at, 1)
            if not (0xA0 <= first <= 0xBF or 0xD9 <= first <= 0xDB):
                raise _not_canonical("a map key is not text")
            start, at = at, self.value(at, depth + 1)
            key = self._data[start + {0xD9: 2, 0xDA: 3, 0xDB: 5}.get(first, 1) : at]
            if key == before:
                raise StatementError("a map has the same key twice", code="duplicate-key")
            if before is not None and key < before:
                raise _not_canonical("map keys are not sorted")
            before = key
            at = self.value(at, depth + 1)
        return at

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise StatementError(f"the nesting is deeper than {MAX_DEPTH}", code="too-deep")

    def _uint(self, at: int, width: int) -> int:
        self._skip(at, width)
        return int.from_bytes(self._data[at : at + width], "big")

    def _skip(self, at: int, length: int) -> int:
        if at + length > len(self._data):
            raise _not_canonical("the value is cut off")
        return at + length


def _is_plain(value: Any) -> bool:
    """Whether a value has nothing that a re-encoding does not notice: depth, counts, floats, extensions, unsorted keys.

    It goes level by level, in one call, because calls are what it costs.
    """
    level, depth, seen = [value], 1, 0
    while level:
        seen += len(level)
        if seen > MAX_VALUES:
            return False
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind in _PLAIN:
                continue
            if kind is int:
                if item > MAX_INTEGER:
                    return False
            elif depth > MAX_DEPTH:
                return False
            elif kind is dict:
                keys = list(item)
                if keys != sorted(keys) or (keys and type(keys[0]) is not str):  # text and bytes cannot be compared
                    return False  # code points are in the order of their UTF-8 bytes
                seen += len(keys)
                below += item.values()
            elif kind is list:
                below += item
            else:
                return False
        level = below
        depth += 1
    return True


def _sorted(items: Collection[Any], depth: int, seen: list[int]) -> list[Value]:
    """Values that all lie at `depth`, with the keys of their maps sorted.  One call for each array and map."""
    seen[0] += len(items)
    if seen[0] > MAX_VALUES:
        raise StatementError(f"there are more than {MAX_VALUES} values", code="too-large")
    result: list[Value] = []
    for item in items:
        if isinstance(item, _AS_IT_IS):
            result.append(item)  # lone surrogates are left to msgpack
        elif isinstance(item, int):
            if not MIN_INTEGER <= item <= MAX_INTEGER:
                raise _not_canonical("an integer is beyond 64 bits signed")
            result.append(item)
        elif not isinstance(item, _NESTED) or isinstance(item, msgpack.ExtType):  # which is a tuple too
            raise _not_canonical(f"{type(item).__name__} has no canonical form")
        elif depth > MAX_DEPTH:
            raise StatementError(f"the nesting is deeper than {MAX_DEPTH}", code="too-deep")
        elif isinstance(item, dict):
            if [key for key in item if not isinstance(key, str)]:
                raise _not_canonical("a map key is not text")
            keys = sorted(item)
            seen[0] += len(keys)
            result.append(dict(zip(keys, _sorted([item[key] for key in keys], depth + 1, seen), strict=True)))
        else:
            result.append(_sorted(item, depth + 1, seen))
    return result
