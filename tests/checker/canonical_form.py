"""The checker's own reading of canonical msgpack (wire-protocol section 2)."""

from __future__ import annotations

from typing import Any, Final

MAX_DEPTH: Final = 16
MAX_VALUES: Final = 4096
MAX_INTEGER: Final = 2**63 - 1
MIN_INTEGER: Final = -(2**63)

_CONSTANTS: Final[dict[int, bool | None]] = {0xC0: None, 0xC2: False, 0xC3: True}
# First byte -> what it begins, the bytes of the number after it, and the least that needs so many.
_LONG: Final = {
    0xC4: ("bytes", 1, 0),
    0xC5: ("bytes", 2, 2**8),
    0xC6: ("bytes", 4, 2**16),
    0xD9: ("text", 1, 32),
    0xDA: ("text", 2, 2**8),
    0xDB: ("text", 4, 2**16),
    0xDC: ("array", 2, 16),
    0xDD: ("array", 4, 2**16),
    0xDE: ("map", 2, 16),
    0xDF: ("map", 4, 2**16),
}
_UNSIGNED: Final = {0xCC: (1, 2**7), 0xCD: (2, 2**8), 0xCE: (4, 2**16), 0xCF: (8, 2**32)}
_SIGNED: Final = {0xD0: (1, -(2**5)), 0xD1: (2, -(2**7)), 0xD2: (4, -(2**15)), 0xD3: (8, -(2**31))}


class NotCanonicalError(ValueError):
    """The bytes are not one value in canonical form; the sentence says why."""


def read(data: bytes) -> Any:
    """The value that `data` is the canonical form of.  Raises `NotCanonicalError`."""
    reader = _Reader(data)
    value = reader.value(1)
    if reader.at != len(data):
        raise NotCanonicalError("something follows the value")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._values = 0

    def value(self, depth: int) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            raise NotCanonicalError(f"there are more than {MAX_VALUES} values")
        if self.at >= len(self._data):
            raise NotCanonicalError("the bytes end too early")
        first = self._data[self.at]
        self.at += 1
        if first < 0x80:
            return first
        if 0xA0 <= first < 0xC0:  # before the others because it is the most frequent
            return self._text(first - 0xA0)
        if first >= 0xE0:
            return first - 0x100
        if first < 0x90:
            return self._map(first - 0x80, depth)
        if first < 0xA0:
            return self._array(first - 0x90, depth)
        if first in _CONSTANTS:
            return _CONSTANTS[first]
        if first in _LONG:
            return self._long(first, depth)
        return self._integer(first)

    def _long(self, first: int, depth: int) -> Any:
        sort, width, least = _LONG[first]
        length = self._number(width)
        if length < least:
            raise NotCanonicalError("a length has a shorter form")
        match sort:
            case "bytes":
                return self._take(length)
            case "text":
                return self._text(length)
            case "array":
                return self._array(length, depth)
        return self._map(length, depth)

    def _integer(self, first: int) -> int:
        if first in _UNSIGNED:
            width, least = _UNSIGNED[first]
            number = self._number(width)
            shortest = number >= least
        elif first in _SIGNED:
            width, most = _SIGNED[first]
            number = int.from_bytes(self._take(width), "big", signed=True)
            shortest = number < most
        else:
            raise NotCanonicalError("floats and extension types are not canonical")
        if not shortest or number > MAX_INTEGER:
            raise NotCanonicalError("an integer has a shorter form, or needs more than 64 bits")
        return number

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode()
        except UnicodeDecodeError:
            raise NotCanonicalError("text is not UTF-8") from None

    def _array(self, length: int, depth: int) -> list[Any]:
        self._check_depth(depth)
        return [self.value(depth + 1) for _ in range(length)]

    def _map(self, length: int, depth: int) -> dict[str, Any]:
        self._check_depth(depth)
        found: dict[str, Any] = {}
        before: bytes | None = None
        for _ in range(length):
            key = self.value(depth + 1)
            if not isinstance(key, str):
                raise NotCanonicalError("a key is not text")
            spelt = key.encode()
            if before is not None and spelt <= before:
                raise NotCanonicalError("the keys are not unique and sorted")
            before = spelt
            found[key] = self.value(depth + 1)
        return found

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise NotCanonicalError(f"the nesting is more than {MAX_DEPTH} deep")

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "big")

    def _take(self, length: int) -> bytes:
        taken = self._data[self.at : self.at + length]
        if len(taken) != length:
            raise NotCanonicalError("the bytes end too early")
        self.at += length
        return taken
