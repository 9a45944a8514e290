"""TOML as text: the line that a key stands in, and a settings file written from a model.

`tomllib` tells neither where a key was nor writes anything; both are short because settings are flat.
"""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

_Tree: TypeAlias = "dict[int | str, tuple[int, _Tree]]"

_COMMENT_WIDTH: Final = 98
_TOKEN: Final = re.compile(  # strings and comments, in which brackets do not count
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|\#[^\n]*|[\[\]{}]|\n''', re.DOTALL
)
_NESTS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
_DELETE: Final = "\x7f"  # the one character that JSON may hold raw and TOML may not


class Lines:
    """In which line of a TOML document what is set.  However often it is asked, the document is read once."""

    def __init__(self, text: str) -> None:
        """`text` has to be valid TOML."""
        self._tree: _Tree = {}
        here = self._tree
        for line, statement in _statements(text):
            table = tomllib.loads(statement)
            if statement.lstrip().startswith("["):
                here = _enter(self._tree, table, line)
            else:
                _enter(here, table, line)

    def find(self, path: tuple[int | str, ...]) -> int | None:
        """The line (from 1) of the statement that sets `path`, or as much of `path` as there is.

        A value over several lines counts as its first line, a key without a line of its own as its table's.  None if
        nothing sets even the first part of `path`.
        """
        found, tree = None, self._tree
        for part in path:
            if part not in tree:
                break
            found, tree = tree[part]
        return found


def _enter(tree: _Tree, table: Mapping[str, Any], line: int) -> _Tree:
    """Note that the statement in `line` sets `table`.  Returns what belongs to the innermost table that it names."""
    inner = tree
    for key, value in table.items():
        inner = tree.setdefault(key, (line, {}))[1]
        if isinstance(value, dict):
            inner = _enter(inner, value, line)
    return inner


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement, and the line that it begins in: it ends with a line, but not within brackets or a string."""
    start = line = 1
    begin = depth = 0
    text += "\n"
    for token in _TOKEN.finditer(text):
        depth += _NESTS.get(token[0], 0)
        line += token[0].count("\n")
        if token[0] == "\n" and depth == 0:
            yield start, text[begin : token.end()]
            start, begin = line, token.end()


def describe_settings(model: type[BaseModel], chosen: BaseModel | None = None) -> str:
    """A settings file for `model`: every setting with its description and default.

    A default stands behind a `#`, so that a later version may have a better one; what differs in `chosen` (an
    instance of `model`) is set.  Loading the file gives `chosen`, or the defaults.  A setting whose default is
    nothing is shown by the first of its `examples`.
    """
    defaults = model()
    about = (model.__doc__ or "").partition("\n")[0]
    lines = [f"# {about}", "# A value behind a # is the default. To choose another one, take the # away."]
    _describe(model, defaults.model_dump(mode="json"), (chosen or defaults).model_dump(mode="json"), (), lines)
    return "\n".join(lines).strip() + "\n"


def _describe(
    model: type[BaseModel],
    defaults: Mapping[str, Any],
    chosen: Mapping[str, Any],
    above: tuple[str, ...],
    lines: list[str],
) -> None:
    tables = [name for name in model.model_fields if isinstance(chosen[name], dict)]
    for name in [*(name for name in model.model_fields if name not in tables), *tables]:
        field = model.model_fields[name]
        lines += ["", *(f"# {line}" for line in textwrap.wrap(field.description or "", _COMMENT_WIDTH))]
        if name not in tables:
            value = (field.examples or [""])[0] if chosen[name] is None else chosen[name]
            mark = "#" if chosen[name] == defaults[name] else ""
            lines.append(f"{mark}{name} = {toml_value(value)}")
            continue
        lines.append(f"[{'.'.join((*above, name))}]")
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            _describe(field.annotation, defaults[name], chosen[name], (*above, name), lines)
        else:
            lines += [f"{toml_value(key)} = {toml_value(value)}" for key, value in chosen[name].items()]


def toml_value(value: Any) -> str:
    """`value` (text, number, boolean or list of these) as TOML writes it."""
    return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
