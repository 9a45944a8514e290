"""TOML as text: the line that a key stands in, and a settings file written from a model.

`tomllib` tells neither where a key was nor writes anything; both are short because settings are flat.
"""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

_COMMENT_WIDTH: Final = 98
_DELETE: Final = "\x7f"  # the one character that JSON may hold raw and TOML may not


def find_line(text: str, path: tuple[int | str, ...]) -> int | None:
    """The line (from 1) of the statement in a TOML document that sets `path`, or as much of `path` as there is.

    A value over several lines counts as its first line, a key without a line of its own as its table's.
    None if nothing sets even the first part of `path`.  `text` has to be valid TOML.
    """
    deepest, found = 0, None
    for line, table in _statements(text):
        depth = _depth(table, path)
        if depth > deepest:
            deepest, found = depth, line
    return found


def _statements(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each statement's first line, and the document that it alone would be under its table's header."""
    header = statement = ""
    start = 1
    for number, line in enumerate(text.split("\n"), 1):
        if not statement:
            start = number
            if line.lstrip().startswith("["):
                header = ""
        statement += line + "\n"
        try:
            table = tomllib.loads(header + statement)
        except ValueError:
            continue  # the value goes on in the next line
        yield start, table
        if statement.lstrip().startswith("["):
            header = statement
        statement = ""


def _depth(table: Any, path: tuple[int | str, ...]) -> int:
    depth = 0
    for part in path:
        if not isinstance(table, dict) or part not in table:
            break
        table = table[part]
        depth += 1
    return depth


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
