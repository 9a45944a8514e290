"""Facets as people write them in flags and files: `beds=2..`, `price=..800000 USD`, `kind=condo`.

    2   2..   ..3   2..3          integers; with a point, `1.5`, decimals
    ..800000 USD                  money: a number or a range, and the ISO 4217 code of a currency
    10.. LBR                      a quantity: the same with any other unit, a UN/CEFACT code
    2027-06-01   ..2027-06-01     days; 2027-06-01T09:00:00Z is an instant
    42.28,-83.74~500m             a place, and how exactly it is told, in m or km
    {02127, 02116}                a set of texts
    true   false                  booleans
    condo   02127   "2 family"    texts; what does not begin with a letter or a zero stands in double quotes

What could be meant in two ways is refused with what was expected, never guessed.  Whole ranges are closed, and an end
that is left out is open.  The words that a range is shown in are read too: `up to 800,000.00 USD`, `from 2`, `2 to 3`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from byway.errors import StatementError
from byway.protocol.calendar_text import parse_day, parse_instant
from byway.protocol.currencies import CURRENCIES, parse_amount
from byway.protocol.decimals import parse_decimal, parse_units
from byway.protocol.degrees import parse_degrees
from byway.protocol.facets import (
    Boolean,
    Date,
    DecimalRange,
    Facet,
    Instant,
    Integer,
    Money,
    Place,
    Quantity,
    Text,
    TextSet,
    is_facet_name,
)
from byway.protocol.filter_tokens import Token, unquote
from byway.protocol.limits import MAX_FACETS
from intentron.unit_codes import UNIT_CODES

MAX_CHARACTERS: Final = 8192  # the largest set, quoted, and some

_NUMBER: Final = r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?"
_AMOUNT: Final = (
    rf"(?:-?[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,12}}(?:\.[0-9]{{1,40}})?|{_NUMBER})"  # 800,000.00 only with a unit
)
_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT: Final = rf"{_DAY}T[0-9:.]{{8,12}}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})"
_UNIT: Final = re.compile(r"[A-Z][A-Z0-9]{0,7}\Z")
_PLACE: Final = re.compile(
    rf"(?P<lat>{_NUMBER})[ ]*,[ ]*(?P<lon>{_NUMBER})(?:[ ]*~[ ]*(?P<far>[0-9.]{{1,20}})[ ]*(?P<unit>km|m))?\Z"
)
_UNTIL: Final = r"(?:\.\.|(?<=[0-9Z])[ ]to[ ](?=[-0-9]))"
_UP_TO: Final = re.compile(r"up to (?P<high>-?[0-9].*)\Z")
_FROM: Final = re.compile(r"from (?P<low>-?[0-9][^ ]*)(?P<unit> .*)?\Z")
_LEADING_ZERO: Final = re.compile(r"0[0-9]+\Z")
_SET_ITEM: Final = re.compile(r'(?:(?P<quoted>"(?:[^"\\\n]|\\.)*")[ ]*|(?P<bare>[^",{} ][^",{}]*))(?P<end>,|\Z)')
_METRE_DIGITS: Final = {"m": 0, "km": 3}
_SMALL_LETTERS: Final = "is not the name of a facet, which has small letters only"
_MOST_DEGREES: Final = {"latitude": 90, "longitude": 180}
_HOW: Final = "write it as beds=2.., 'price=..800000 USD', kind=condo or 'zip={02127, 02116}'"


def parse_facet_text(text: str) -> tuple[str, Facet]:
    """The name and the facet in `beds=2..`.

    Raises `StatementError` (`bad-facet`) that names the facet, and says what was expected and how to write it.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if equals and not is_facet_name(name) and is_facet_name(name.lower()):
        raise _bad(f"{_shown(name)} {_SMALL_LETTERS}", f"write it as {shlex.quote(f'{name.lower()}={value}')}")
    if not equals or not is_facet_name(name):
        raise _bad(f"{_shown(text)} is not a facet such as beds=2.. or price=..800000 USD: NAME=VALUE")
    return name, _named(name, parse_value_text, value)


def parse_value_text(text: str) -> Facet:
    """The facet that a value alone spells.  Raises `StatementError` (`bad-facet`)."""
    text = _in_signs(text.strip())
    if not text or len(text) > MAX_CHARACTERS:
        raise _bad(f"a value has 1 to {MAX_CHARACTERS} characters")
    if text[0] == "{":
        return _set(text)
    if text[0] == '"':
        return Text(_unquoted(text))
    if text in {"true", "false"}:
        return Boolean(text == "true")
    if text[0].isalpha() or _LEADING_ZERO.match(text):
        return Text(text)  # a number is not written with a zero in front, a ZIP is
    if place := _PLACE.match(text):
        return _place(text, place)
    return _ranged(text)


def facet_from_value(value: object) -> Facet:
    """The facet that a value of TOML or JSON means; a text in the same syntax, a list of texts is a set.

    Raises `StatementError` (`bad-facet`) for anything else.
    """
    match value:
        case bool():
            return Boolean(value)
        case str():
            return parse_value_text(value)
        case int():
            return Integer(value, value)
        case float() | Decimal():
            number = parse_decimal(f"{value:f}" if isinstance(value, Decimal) else repr(value))
            return DecimalRange(number, number)
        case datetime():
            return parse_value_text(value.isoformat())
        case date():
            return parse_value_text(value.isoformat())
        case list() if all(isinstance(item, str) for item in value):
            return TextSet.of(value)
    raise _bad(f"{_shown(str(value))} is no value of a facet: a text, a number, true, false or a list of texts")


def facets_from_values(values: Mapping[str, object]) -> dict[str, Facet]:
    """The facets of a table of TOML or JSON.  Raises `StatementError` (`bad-facet`) that names the facet at fault."""
    if len(values) > MAX_FACETS:
        raise _bad(f"a cast has at most {MAX_FACETS} facets")
    facets = {}
    for name, value in values.items():
        if not is_facet_name(name):
            raise _bad(f"{_shown(name)} {_SMALL_LETTERS}: a-z, 0-9 and _, a letter first")
        facets[name] = _named(name, facet_from_value, value)
    return facets


def _named(name: str, parse: Callable[[Any], Facet], value: object) -> Facet:
    """What `parse` makes of `value`; its refusal names the facet, and has a next step."""
    try:
        return parse(value)
    except StatementError as error:
        raise _bad(f"{name}: {error}", error.next_step or _HOW) from None


def _in_signs(text: str) -> str:
    """A range in words as a range in signs; any other text as it is."""
    if found := _UP_TO.match(text):
        return f"..{found['high']}"
    if found := _FROM.match(text):
        return f"{found['low']}..{found['unit'] or ''}"
    return text


def _ranged(text: str) -> Facet:
    """A number, a day or an instant, or a range of them, with a unit or without."""
    amounts, _, code = text.rpartition(" ")
    if amounts and _UNIT.match(code):
        low, high = (end.replace(",", "") for end in _ends(amounts.strip(), _AMOUNT, text))
        if code in CURRENCIES:
            return Money(code, *(_read(end, lambda amount: parse_amount(amount, code)) for end in (low, high)))
        return Quantity(code, _read(low, parse_decimal), _read(high, parse_decimal))
    for pattern, make, parse in ((_INSTANT, Instant, parse_instant), (_DAY, Date, parse_day)):
        if _range_of(pattern).match(text):
            low, high = _ends(text, pattern, text)
            return make(_read(low, parse), _read(high, parse))
    low, high = _ends(text, _NUMBER, text)
    if any("." in end for end in (low, high)):
        return DecimalRange(_read(low, parse_decimal), _read(high, parse_decimal))
    return Integer(_read(low, int), _read(high, int))


def _ends(text: str, pattern: str, whole: str) -> tuple[str, str]:
    """Both ends of a range as written, "" for an open one; one value is both."""
    found = _range_of(pattern).match(text)
    if found is None or not (found["one"] or found["low"] or found["high"]):
        raise _bad(
            f"{_shown(whole)} is neither a number, a range such as 2..3, a day, a place nor a set; "
            "put it in double quotes if it is text, and write currencies and units in capitals",
            _capitals(whole),
        )
    return (found["one"], found["one"]) if found["one"] else (found["low"] or "", found["high"] or "")


def _range_of(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?P<low>{pattern})?[ ]{{0,9}}{_UNTIL}[ ]{{0,9}}(?P<high>{pattern})?|(?P<one>{pattern}))\Z")


def _read(end: str, parse: Callable[[str], Any]) -> Any:
    return parse(end) if end else None


def _place(text: str, found: re.Match[str]) -> Place:
    if found["far"] is None:
        raise _bad(f"{_shown(text)} does not say how exactly the place is told, as in {text}~500m")
    precision = parse_units(found["far"], _METRE_DIGITS[found["unit"]])
    for what, degrees in (("latitude", found["lat"]), ("longitude", found["lon"])):
        if abs(parse_decimal(degrees)) > (most := _MOST_DEGREES[what]):
            raise _bad(f"a {what} is -{most} to {most} degrees, not {degrees}")
    return Place(parse_degrees(found["lat"]), parse_degrees(found["lon"]), precision)


def _set(text: str) -> TextSet:
    inside, texts = text[1:-1], []
    if text[-1] != "}" or not inside.strip():
        raise _bad(f"{_shown(text)} is not a set such as {{02127, 02116}}")
    rest: str | None = inside
    while rest is not None:
        item = _SET_ITEM.match(rest.lstrip(" "))
        if item is None:
            raise _bad(f"{_shown(text)} is not a set such as {{02127, 02116}}")
        texts.append(_unquoted(item["quoted"]) if item["quoted"] else item["bare"].rstrip(" "))
        rest = item.string[item.end() :] if item["end"] else None
    return TextSet.of(texts)


def _unquoted(text: str) -> str:
    if not re.fullmatch(r'"(?:[^"\\\n]|\\.)*"', text):
        raise _bad(f"{_shown(text)} begins with a double quote and does not end with one")
    try:
        return unquote(Token("string", text, 1))
    except StatementError as error:
        raise _bad(str(error)) from None


def _capitals(text: str) -> str:
    """How to write what only lacks the capitals of its currency or unit."""
    amount, _, code = text.rpartition(" ")
    lacking = code != code.upper() and code.upper() in CURRENCIES | UNIT_CODES
    return f"write it as {amount} {code.upper()}" if lacking else _HOW


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")  # noqa: PLR2004 - one line of a terminal


def _bad(sentence: str, next_step: str = _HOW) -> StatementError:
    return StatementError(sentence, code="bad-facet", next_step=next_step)
