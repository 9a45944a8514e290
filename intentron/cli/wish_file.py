"""A wish in a file, TOML or JSON, as `intentron cast --from` reads it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from byway.errors import SetupError, StatementError
from byway.settings import load_toml
from intentron.api.requests import parse_body


class WishFile(BaseModel):
    """What may stand in the file; everything may be left out, and flags win."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    topic: str | None = Field(None, description="A petname, open:homes:boston, or a topic's URN.")
    facets: dict[str, Any] = Field({}, description="Name and value, as in beds = 2 or price = '..800000 USD'.")
    demand: dict[str, Any] = Field({}, description="The rest of the wish, in the words of schema.org Demand.")
    offers: int | None = Field(None, description="How many offers to take.")
    terms: list[str] | None = Field(None, description="URNs of terms, the preferred one first.")
    hours: int | None = Field(None, description="How many hours the wish stands.")
    sentence: str | None = Field(None, description="The wish in your own words; it stays here.")


def read_wish(path: Path) -> dict[str, Any]:
    """The wish in the file at `path`: JSON if named so, else TOML.  Raises `SetupError`, saying what to mend."""
    edit = f"edit {shlex.quote(str(path))}"
    try:
        if not path.is_file():
            what = f"{path} is a folder, not a file" if path.is_dir() else f"there is no file {path}"
            near = path if path.is_dir() else path.parent
            raise SetupError(what, code="data-unreadable", next_step=f"ls {shlex.quote(str(near))}")
        if path.suffix != ".json":
            return load_toml(path, WishFile, made_by=edit).model_dump(exclude_none=True)
        return parse_body(path.read_bytes(), WishFile).model_dump(exclude_none=True)
    except OSError as error:
        look = f"ls -l {shlex.quote(str(path))}"
        raise SetupError(f"{path} cannot be read: {error.strerror}", code="data-unreadable", next_step=look) from None
    except StatementError as error:
        raise SetupError(f"{path}: {error}", code=error.code, next_step=edit) from None
