"""The column map: what the columns of a sheet mean.

It is a TOML file of this form:

    id = "pid"                                    # the column that names an item
    name = "{address} {unit}, Boston {zip}"       # what people call it, from columns
    split = ["neighbourhood", "zip"]              # one seller for each value of the first facet that is known
    price_label = "assessed value {assessment_year}, not an asking price"

    [facets.beds]                                 # a facet, its type, and its column or columns
    type = "integer"
    column = "beds"

    [flags]                                       # many boolean facets, each named like its column
    columns = ["organic", "eggs"]
    true = ["Y"]
    false = ["N"]

    [fixed]                                       # facets that every item of the sheet has
    state = ["text", "mi"]

`unknown` lists the spellings of "not known", by default the empty cell and `-`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator, model_validator

from byway.errors import SetupError
from byway.protocol.body import validator
from byway.protocol.facets import Boolean, Facet, is_facet_name, parse_facet
from byway.protocol.limits import MAX_FACETS
from byway.settings import load_toml
from byway.toml_text import find_line
from intentron.stock.cells import Row
from intentron.stock.facet_columns import TYPES, FacetColumns, MoneyColumn, Table, TextColumn, said
from intentron.stock.item import PRICE
from intentron.stock.template import holes

_SHIPPED: Final = Path(__file__).with_name("maps")


class Flags(Table):
    """Boolean facets, each named like its column.

    `all_false_is_unknown`: a row without a single yes was never filled in, so none of its flags is known.
    """

    columns: tuple[str, ...]
    true: tuple[str, ...]
    false: tuple[str, ...]
    all_false_is_unknown: bool = False

    def facets(self, row: Row) -> dict[str, Facet]:
        """The flags that the row knows.  Raises `BadCell`."""
        texts = {column: row.text(column) for column in self.columns}
        flags = {
            column: said(column, text, self.true, self.false) for column, text in texts.items() if text is not None
        }
        if self.all_false_is_unknown and not any(flags.values()):
            return {}
        return {column: Boolean(flag) for column, flag in flags.items()}


class ColumnMap(Table):
    """What the columns of a sheet mean."""

    id: str
    name: Annotated[str, Field(min_length=1)]
    unknown: tuple[str, ...] = ("", "-")
    split: tuple[str, ...] = ()
    price_label: str = ""
    facets: dict[str, FacetColumns] = Field(default_factory=dict)
    flags: Flags = Flags(columns=(), true=(), false=())
    fixed: dict[str, Annotated[Facet, PlainValidator(validator(parse_facet))]] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a sheet must have, each once."""
        return tuple(dict.fromkeys(self._columns()))

    def _columns(self) -> Iterator[str]:
        yield self.id
        yield from holes(self.name)
        yield from holes(self.price_label)
        for rule in self.facets.values():
            yield from rule.columns
        yield from self.flags.columns

    @model_validator(mode="after")
    def _fits(self) -> ColumnMap:
        names = [*self.facets, *self.flags.columns, *self.fixed]
        for name in names:
            if not is_facet_name(name):
                raise ValueError(f'"{name}" cannot be the name of a facet: use a-z, 0-9 and _, a letter first')
            if names.count(name) > 1:
                raise ValueError(f'the facet "{name}" is made twice')
        if len(names) > MAX_FACETS:
            raise ValueError(f"an item has at most {MAX_FACETS} facets, this map makes {len(names)}")
        for name in self.split:
            if type(self.facets.get(name)) is not TextColumn:
                raise ValueError(f'split names "{name}", which is not a facet of type text')
        if PRICE in names and type(self.facets.get(PRICE)) is not MoneyColumn:
            raise ValueError('the facet "price" is of type money')
        holes(self.name)
        holes(self.price_label)
        return self


def shipped_maps() -> tuple[str, ...]:
    """The names of the maps that come with the program."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def load_column_map(name_or_path: str | Path) -> ColumnMap:
    """The shipped map of that name, or the map in that file.

    Raises `SetupError` with the line to mend: `settings-missing`, `settings-unreadable`,
    `settings-unknown-key` (naming the nearest key that is known), `settings-bad-value`.
    """
    path = _SHIPPED / f"{name_or_path}.toml" if str(name_or_path) in shipped_maps() else Path(name_or_path)
    if not path.exists():
        raise SetupError(
            f"there is no column map {str(name_or_path)!r}; these come with the program: {', '.join(shipped_maps())}",
            code="settings-missing",
            next_step=f"cp {_SHIPPED / 'homes.toml'} {path}",
        )
    try:
        return load_toml(path, ColumnMap)
    except SetupError as error:
        if error.code not in {"settings-unknown-key", "settings-bad-value"}:
            raise
        raise _misspelt_key(path) or error from None


def _misspelt_key(path: Path) -> SetupError | None:
    """The refusal of the first key in the table of a facet that its type has not: often why another is missing."""
    text = path.read_text(encoding="utf-8")
    for name, table in _facet_tables(tomllib.loads(text)):
        known = list(TYPES[table["type"]].model_fields)
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
                line = find_line(text, ("facets", name, key))
                return SetupError(
                    f'{path}, line {line}: "{key}" means nothing for a facet of type {table["type"]}; {hint}',
                    code="settings-unknown-key",
                    next_step=f"edit line {line} of {path}",
                )
    return None


def _facet_tables(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables of facets whose type is known."""
    facets = document.get("facets")
    for name, table in facets.items() if isinstance(facets, dict) else ():
        if isinstance(table, dict) and str(table.get("type")) in TYPES:
            yield name, table
