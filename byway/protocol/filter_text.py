"""The text form of a filter: the subset of CEL that people write (wire-protocol section 5.3).

    either     = both { "||" both }
    both       = one { "&&" one }
    one        = "(" either ")" | "!" negated | call | string "in" name | comparison
    negated    = "(" either ")" | "!" negated | call
    call       = "known" "(" name ")" | "near" "(" name "," degrees "," degrees "," metres ")"
    comparison = name ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
               | name "in" "[" value { "," value } "]"

The parser turns text into the wire form and leaves the rest to `parse_expression`, so that there is one
definition of what a filter is.  Routers never see the text.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

from byway.errors import StatementError
from byway.protocol.calendar_text import format_day, format_instant, parse_day, parse_instant
from byway.protocol.currencies import format_amount, parse_amount
from byway.protocol.decimals import format_decimal, parse_decimal, write_decimal
from byway.protocol.degrees import format_degrees, parse_degrees
from byway.protocol.facets import Boolean, Date, DecimalRange, Instant, Integer, Money, Quantity, Text, is_facet_name
from byway.protocol.filter import And, Compare, Filter, Has, In, Known, Near, Not, Or, Value, parse_expression
from byway.protocol.filter_tokens import Token, expected, quote, tokens, unquote

_MAX_TEXT: Final = 16_384  # characters: several times what the largest filter needs
_MAX_NESTING: Final = 32  # parentheses that change nothing are no expressions, but each costs a call
_MAX_NUMBER: Final = 40  # characters: the longest decimal, written out
_OPERATORS: Final = {"==": "=", "!=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}

Result = TypeVar("Result")
Number = TypeVar("Number", int, Decimal)


def parse_filter_text(text: str) -> Filter:
    """The filter that `text` spells.

    Raises `StatementError` (`bad-filter`): the sentence names the column, from 1, and what was
    expected there, or the limit that the filter as a whole is over.
    """
    if len(text) > _MAX_TEXT:
        raise StatementError(f"the text of a filter has at most {_MAX_TEXT} characters", code="bad-filter")
    return parse_expression(_Parser(tokens(text)).whole())


class _Parser:
    """One pass over the tokens; each method takes what it is named after and gives its wire form."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> list[Any]:
        wire = self._either(0)
        if self._next.sort != "end":
            raise expected("`&&`, `||` or the end", self._next)
        return wire

    def _either(self, nesting: int) -> list[Any]:
        return self._joined("||", "or", self._both, nesting)

    def _both(self, nesting: int) -> list[Any]:
        return self._joined("&&", "and", self._one, nesting)

    def _joined(self, sign: str, name: str, operand: Callable[[int], list[Any]], nesting: int) -> list[Any]:
        operands = [operand(nesting)]
        while self._takes(sign):
            operands.append(operand(nesting))
        return operands[0] if len(operands) == 1 else [name, *operands]

    def _one(self, nesting: int) -> list[Any]:
        if nesting > _MAX_NESTING:
            raise expected(f"at most {_MAX_NESTING} `(` and `!` in one another", self._next)
        if self._takes("!"):
            if self._next.text not in {"!", "("} and not self._is_call():
                raise expected("`(`, `known(` or `near(` after `!`", self._next)
            return ["not", self._one(nesting + 1)]
        if self._takes("("):
            inner = self._either(nesting + 1)
            self._take(")")
            return inner
        return self._predicate()

    def _predicate(self) -> list[Any]:
        start = self._next
        read = self._has if start.sort == "string" else self._call if self._is_call() else self._comparison
        wire = read()
        return _at(start, lambda: parse_expression(wire).wire())

    def _is_call(self) -> bool:
        return self._next.text in {"known", "near"} and self._tokens[self._at + 1].text == "("

    def _call(self) -> list[Any]:
        function = self._advance().text
        self._take("(")
        wire: list[Any] = [function, self._name()]
        if function == "near":
            for read in (parse_degrees, parse_degrees, int):
                self._take(",")
                wire.append(self._number(read))
        self._take(")")
        return wire

    def _has(self) -> list[Any]:
        text = unquote(self._advance())
        self._take("in")
        return ["has", self._name(), text]

    def _comparison(self) -> list[Any]:
        name = self._name()
        if self._takes("in"):
            return ["in", name, self._values()]
        if self._next.text not in _OPERATORS:
            raise expected("`==`, `!=`, `<`, `<=`, `>`, `>=` or `in`", self._next)
        sign = self._advance().text
        comparison = [_OPERATORS[sign], name, self._value()]
        return ["not", comparison] if sign == "!=" else comparison

    def _values(self) -> list[Any]:
        self._take("[")
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self._take("]")
        return values

    def _value(self) -> list[Any]:
        token = self._next
        if token.sort == "string":
            return ["text", unquote(self._advance())]
        if token.text in {"true", "false"}:
            return ["boolean", self._advance().text == "true"]
        if token.text in _LITERALS:
            return self._literal(*_LITERALS[token.text])
        if token.sort != "number":
            raise expected('a value: a number, a "text", true, false, date, timestamp, money or quantity', token)
        if "." in token.text:
            return _one_value("decimal", write_decimal(self._number(parse_decimal)))
        return _one_value("integer", self._number(int))

    def _literal(self, count: int, read: Callable[..., list[Any]]) -> list[Any]:
        start = self._advance()
        texts = []
        for position in range(count):
            self._take("," if position else "(")
            if self._next.sort != "string":
                raise expected("a string in double quotes", self._next)
            texts.append(unquote(self._advance()))
        self._take(")")
        return _at(start, lambda: read(*texts))

    def _number(self, read: Callable[[str], Number]) -> Number:
        token = self._next
        what = "a whole number" if read is int else "a number"
        if token.sort != "number" or len(token.text) > _MAX_NUMBER or (read is int and "." in token.text):
            raise expected(what, token)
        return _at(self._advance(), lambda: read(token.text))

    def _name(self) -> str:
        if not is_facet_name(self._next.text):
            raise expected("the name of a facet", self._next)
        return self._advance().text

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _advance(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _takes(self, text: str) -> bool:
        taken = self._next.text == text
        self._at += taken
        return taken

    def _take(self, text: str) -> None:
        if not self._takes(text):
            raise expected(f"`{text}`", self._next)


def _at(token: Token, read: Callable[[], Result]) -> Result:
    """What `read` gives; its error gets the column of `token`."""
    try:
        return read()
    except StatementError as error:
        raise StatementError(f"column {token.column}: {error}", code="bad-filter") from None


def _one_value(*parts: Any) -> list[Any]:
    return [*parts, parts[-1]]


# How many strings a value function takes, and the wire form of what it gives.
_LITERALS: Final[dict[str, tuple[int, Callable[..., list[Any]]]]] = {
    "date": (1, lambda day: _one_value("date", parse_day(day))),
    "timestamp": (1, lambda instant: _one_value("instant", parse_instant(instant))),
    "money": (2, lambda amount, currency: _one_value("money", currency, parse_amount(amount, currency))),
    "quantity": (2, lambda number, unit: _one_value("quantity", unit, write_decimal(parse_decimal(number)))),
}


def format_filter(whole: Filter) -> str:
    """The text of a filter; parsing it gives the same filter.

    An `and` or `or` of one operand is written as the operand.
    """
    match _unwrapped(whole):
        case And(operands):
            return " && ".join(_format_operand(operand, And | Or) for operand in operands)
        case Or(operands):
            return " || ".join(_format_operand(operand, Or) for operand in operands)
        case Not(operand):
            return _format_not(_unwrapped(operand))
        case Known(name):
            return f"known({name})"
        case Compare(operator, name, value):
            return f"{name} {'==' if operator == '=' else operator} {_format_value(value)}"
        case In(name, values):
            return f"{name} in [{', '.join(map(_format_value, values))}]"
        case Has(name, text):
            return f"{quote(text)} in {name}"
        case Near(name, latitude, longitude, metres):
            return f"near({name}, {format_degrees(latitude)}, {format_degrees(longitude)}, {metres})"


def _unwrapped(whole: Filter) -> Filter:
    while isinstance(whole, And | Or) and len(whole.operands) == 1:
        whole = whole.operands[0]
    return whole


def _format_operand(operand: Filter, in_parentheses: Any) -> str:
    text = format_filter(operand)
    return f"({text})" if isinstance(_unwrapped(operand), in_parentheses) else text


def _format_not(operand: Filter) -> str:
    if isinstance(operand, Compare) and operand.operator == "=":
        return f"{operand.name} != {_format_value(operand.value)}"
    text = format_filter(operand)
    bare = isinstance(operand, Known | Near) or (isinstance(operand, Not) and text.startswith("!"))
    return f"!{text}" if bare else f"!({text})"


def _format_value(value: Value) -> str:
    if isinstance(value, Text):
        return quote(value.text)
    if isinstance(value, Boolean):
        return "true" if value.true else "false"
    number: Any = value.low  # one value: no end is open
    match value:
        case Integer():
            return str(number)
        case DecimalRange():
            text = format_decimal(number)
            return text if "." in text else f"{text}.0"
        case Date():
            return f'date("{format_day(number)}")'
        case Instant():
            return f'timestamp("{format_instant(number)}")'
        case Money(currency):
            return f'money("{format_amount(number, currency)}", "{currency}")'
        case Quantity(unit):
            return f'quantity("{format_decimal(number)}", "{unit}")'
