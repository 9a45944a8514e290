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
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, field_validator, model_validator

from byway.errors import SetupError
from byway.protocol.body import validator
from byway.protocol.facets import Boolean, Facet, is_facet_name, parse_facet
from byway.protocol.limits import MAX_FACETS
from byway.settings import load_toml
from byway.toml_text import Lines
from intentron.stock.cells import Row
from intentron.stock.facet_columns import TYPES, FacetColumns, MoneyColumn, Table, TextColumn, said
from intentron.stock.item import PRICE
from intentron.stock.template import holes

_SHIPPED: Final = Path(__file__).with_name("maps")


def _facet_name(name: str) -> str:
    if not is_facet_name(name):
        raise ValueError(f'"{name}" cannot be the name of a facet: use a-z, 0-9 and _, a letter first')
    return name


def _template(text: str) -> str:
    holes(text)
    return text


FacetName = Annotated[str, AfterValidator(_facet_name)]
Template = Annotated[str, AfterValidator(_template)]


class Flags(Table):
    """Boolean facets, each named like its column.

    `all_false_is_unknown`: a row without a single yes was never filled in, so none of its flags is known.
    """

    columns: tuple[FacetName, ...]
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
    name: Annotated[Template, Field(min_length=1)]
    unknown: tuple[str, ...] = ("", "-")
    price_label: Template = ""
    facets: dict[FacetName, FacetColumns] = Field(default_factory=dict)
    split: tuple[str, ...] = ()
    flags: Flags = Flags(columns=(), true=(), false=())
    fixed: dict[FacetName, Annotated[Facet, PlainValidator(validator(parse_facet))]] = Field(default_factory=dict)

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
            if names.count(name) > 1:
                raise ValueError(f'the facet "{name}" is made twice')
        if len(names) > MAX_FACETS:
            raise ValueError(f"an item has at most {MAX_FACETS} facets, this map makes {len(names)}")
        if PRICE in names and type(self.facets.get(PRICE)) is not MoneyColumn:
            raise ValueError('the facet "price" is of type money')
        return self

    @field_validator("split")
    @classmethod
    def _splits_texts(cls, split: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if (facets := info.data.get("facets")) is None:
            return split  # the facets are refused themselves
        for name in split:
            if type(facets.get(name)) is not TextColumn:
                raise ValueError(f'split names "{name}", which is not a facet of type text')
        return split


def shipped_maps() -> tuple[str, ...]:
    """The names of the maps that come with the program."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def map_file(name: str) -> Path:
    """The file of the shipped map of that name."""
    return _SHIPPED / f"{name}.toml"


def load_column_map(name_or_path: str | Path) -> ColumnMap:
    """The shipped map of that name, or the map in that file.

    Raises `SetupError` with the line to mend: `not-found`, `settings-unreadable`,
    `settings-unknown-key` (naming the nearest key that is known), `settings-bad-value`.
    """
    path = map_file(str(name_or_path)) if str(name_or_path) in shipped_maps() else Path(name_or_path)
    if not _is_there(path):
        shipped = shlex.quote(str(map_file("homes")))
        raise SetupError(
            f"there is no column map {str(name_or_path)!r}; these come with the program: {', '.join(shipped_maps())}",
            code="not-found",
            next_step=f"name one of these, or begin one of your own: cp {shipped} my-map.toml",
        )
    try:
        return load_toml(path, ColumnMap)
    except SetupError as error:
        if error.code not in {"settings-unknown-key", "settings-bad-value"}:
            raise
        raise _misspelt_key(path) or error from None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # reading it says why it cannot be read


def _misspelt_key(path: Path) -> SetupError | None:
    """The refusal of the first key, or type of a facet, that means nothing: often why another is missing."""
    text = path.read_text(encoding="utf-8")
    for place, word, known, what in _words(tomllib.loads(text)):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
            line = Lines(text).find(place)
            return SetupError(
                f'{path}, line {line}: "{word}" {what}; {hint}',
                code="settings-unknown-key",
                next_step=f"edit line {line} of {shlex.quote(str(path))}",
            )
    return None


def _words(document: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str, list[str], str]]:
    """Each key with its place, what may stand there, and what is to be said of any other; each type likewise."""
    for key in document:
        yield (key,), key, list(ColumnMap.model_fields), "means nothing in a column map"
    facets = document.get("facets")
    for name, table in facets.items() if isinstance(facets, dict) else ():
        if not isinstance(table, dict) or not isinstance(kind := table.get("type"), str):
            continue
        yield ("facets", name, "type"), kind, list(TYPES), "is no type of a facet"
        for key in table:
            yield (
                ("facets", name, key),
                key,
                list(TYPES[kind].model_fields) if kind in TYPES else [key],
                f"means nothing for a facet of type {kind}",
            )
