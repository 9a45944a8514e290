"""The words that the text form of a filter is made of (wire-protocol section 5.3)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from byway.errors import StatementError

_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<sign>&&|\|\||==|!=|<=|>=|[!<>()\[\],])""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_ESCAPED: Final = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPES: Final = {char: f"\\{letter}" for letter, char in _ESCAPED.items()}
_LAST_SHORT: Final = 0xFFFF  # the last code point that `\u` reaches


class Token(NamedTuple):
    """A piece of the text: `sort` is number, word, string, sign or end; `column` counts from 1."""

    sort: str
    text: str
    column: int


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, an `end` behind them.  Raises `StatementError` (`bad-filter`)."""
    found = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            what = "a string that ends" if text[at] == '"' else "a name, a value or an operator"
            raise expected(what, Token("", text[at], at + 1))
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0], at + 1))
        at = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def expected(what: str, instead: Token) -> StatementError:
    """The error that says what should stand where `instead` stands."""
    shown = "the end" if instead.sort == "end" else ascii(instead.text)
    return StatementError(f"column {instead.column}: expected {what}, found {shown}", code="bad-filter")


def unquote(token: Token) -> str:
    """The text that a string token spells.  Raises `StatementError` (`bad-filter`)."""

    def character(match: re.Match[str]) -> str:
        short, long, letter = match.groups()
        if letter is not None:
            return _ESCAPED[letter]
        return chr(int(short or long, 16))

    try:
        text = _ESCAPE.sub(character, token.text[1:-1])
        text.encode()  # a lone surrogate is no text
    except (KeyError, ValueError, OverflowError):
        raise expected(r"text with no escapes but \" \\ \n \r \t \uXXXX \UXXXXXXXX", token) from None
    return text


def quote(text: str) -> str:
    """The string token that spells `text`; what cannot be printed is escaped."""
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= _LAST_SHORT else f"\\U{ord(char):08x}"
