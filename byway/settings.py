"""Settings: TOML files read into strict models, and refused with the line that has to be mended.

A setting is a pydantic field with a default, its unit in its name, and a sentence of description; the file that
`init` writes and the reference page are made from these.  A key that means nothing is refused, never ignored.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from byway.errors import SetupError
from byway.node_address import ListenAddressSetting, NodeAddressSetting
from byway.plain_words import plain_words, says_it_all
from byway.protocol.body import AddressText
from byway.protocol.limits import MAX_ADDRESSES
from byway.toml_text import Lines, describe_settings, toml_value

__all__ = [
    "Addresses",
    "Folder",
    "NodeAddresses",
    "NodeSettings",
    "RouterSettings",
    "describe_settings",
    "load_toml",
    "write_settings",
]

_M = TypeVar("_M", bound=BaseModel)

_SHOWN_CHARACTERS: Final = 60
_MEBIBYTE: Final = 1024 * 1024


def _place(path: Path, info: ValidationInfo) -> Path:
    """`~` is the home folder; a relative path starts at the folder of the settings file, wherever we are run."""
    try:
        expanded = path.expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from None
    return Path(info.context) / expanded if info.context else expanded


Folder = Annotated[Path, AfterValidator(_place)]
Addresses = tuple[ListenAddressSetting, ...]
NodeAddresses = tuple[NodeAddressSetting, ...]


class NodeSettings(BaseModel):
    """What the operator of any node, a router or an authority, may choose."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    data: Folder = Field(
        description="The folder of the key and the journal. A relative path starts at the folder of this file."
    )
    listen: Addresses = Field(min_length=1, description="The addresses to listen on, host:port.")
    public_addresses: tuple[AddressText, ...] = Field(
        (),
        max_length=MAX_ADDRESSES,
        description="The addresses that others reach this node at, where they are not those it listens on.",
    )
    register_at: NodeAddresses = Field(
        (), description="Addressing authorities that are told where this node is: urn:byway:node:KEY@HOST:PORT."
    )
    stop_deadline_s: float = Field(
        10.0, ge=0, le=3600, description="Seconds that open links get to finish when the node stops."
    )
    reserve_bytes: int = Field(
        64 * _MEBIBYTE,
        ge=_MEBIBYTE,
        le=2**60,
        description="Free bytes on the disk below which nothing more is accepted: what is promised needs room to end.",
    )
    verify_workers: int = Field(
        0, ge=0, le=256, description="Processes that check signatures; 0 starts one for each core."
    )
    max_handshakes: int = Field(64, ge=1, description="TLS handshakes and hellos under way at one time.")
    max_handshakes_per_prefix: int = Field(
        16, ge=1, description="How many of those may come from one address prefix, a /24 of IPv4 or a /56 of IPv6."
    )
    handshakes_per_s_per_prefix: float = Field(
        50.0, gt=0, description="Handshakes that one address prefix may begin in a second, twice as many at once."
    )
    max_links: int = Field(10_000, ge=1, description="Links open at one time. An idle one costs about 40 kB of memory.")
    max_links_per_prefix: int = Field(
        2_500,
        ge=1,
        description="How many of those may come from one address prefix. Behind a proxy, all of them come from one.",
    )
    statements_per_s_per_link: float = Field(
        10_000.0, gt=0, description="Statements that one key may hand in in a second, twice as many at once."
    )
    statements_per_s_per_prefix: float = Field(
        20_000.0, gt=0, description="Statements that one address prefix may hand in in a second, twice as many at once."
    )
    max_subscriptions: int = Field(
        1_000_000, ge=1, description="Subscriptions kept, linked or not. An idle one costs about 1 kB of memory."
    )
    max_subscriptions_per_prefix: int = Field(
        250_000,
        ge=1,
        description="How many of those one address prefix may begin at once, or in 30 days. Behind a proxy, all come "
        "from one.",
    )
    log: Literal["text", "json"] = Field("text", description='How log lines are written: "text" or "json".')


class RouterSettings(NodeSettings):
    """What the operator of a router may choose."""

    data: Folder = Field(
        default_factory=lambda: platformdirs.user_data_path("byway"),
        description="The folder of the key and the journal. A relative path starts at the folder of this file.",
    )
    listen: Addresses = Field(
        ("127.0.0.1:7400",),
        min_length=1,
        description="The addresses to listen on, host:port, IPv6 in brackets. 127.0.0.1 is reached from this computer "
        'only, "0.0.0.0:7400" and "[::]:7400" from everywhere. Port 0 takes any free port.',
    )


def load_toml(path: Path, model: type[_M], *, made_by: str = "byway init") -> _M:
    """Read the TOML file at `path` into `model`, strictly: no unknown key in any depth, no value of another type.

    `made_by` is the command that makes the file.  Raises `SetupError` with file, line and what to do:
    `settings-missing`, `settings-unreadable`, `settings-unknown-key`, `settings-bad-value`.
    """
    text = _read(path, made_by)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers and nestings without end are not TOMLDecodeErrors
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) if at else len(text.splitlines())
        why = str(error).partition(" (at ")[0]
        raise _at(path, line, f"this is not TOML: {why}", "settings-unreadable") from None
    return _validated(path, text, table, model)


def write_settings(path: Path, model: type[_M], given: Mapping[str, Any]) -> _M:
    """Write a new settings file with every default, and with the values in `given`; returns what it would load as.

    Raises `SetupError`: `bad-request` for what `load_toml` would refuse, `settings-exist` if there is a file already,
    which stays as it is, and `data-unwritable`.  Half a file is never left behind.
    """
    try:
        settings = _validated(path, "", given, model)
    except SetupError as error:  # it was typed: there is no file yet that could be edited
        raise SetupError(str(error).removeprefix(f"{path}: "), code="bad-request") from None
    text = describe_settings(model, settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                path.unlink()
                raise
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise SetupError(
                f"there is a settings file at {path} already; it stays as it is",
                code="settings-exist",
                next_step=f"edit {shlex.quote(str(path))}",
            ) from None
        folder = shlex.quote(str(path.parent))
        raise SetupError(
            f"{path} cannot be written: {error.strerror}",
            code="data-unwritable",
            next_step=f"df -h {folder}; ls -ld {folder}",
        ) from None
    return settings


def _validated(path: Path, text: str, table: Mapping[str, Any], model: type[_M]) -> _M:
    # TOML has the values of JSON, and dates.  Read as JSON, strict means that text stays text and 1 is not "1", while
    # arrays may fill tuples, and texts may fill paths and dates.
    endless = _at(path, None, "a number is too long, or tables and lists are nested too deep", "settings-unreadable")
    try:
        document = json.dumps(table, default=_date_text)
    except (ValueError, RecursionError):  # 0xfff... and keys with dots have no end in TOML
        raise endless from None
    try:
        return model.model_validate_json(document, strict=True, extra="forbid", context=path.absolute().parent)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise (endless if faults[0]["type"] == "json_invalid" else _first_error(path, text, model, faults)) from None


def _date_text(value: Any) -> str:
    text: str = value.isoformat()  # of what TOML has, JSON lacks only dates and times
    return text


def _read(path: Path, made_by: str) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SetupError(f"there is no settings file at {path}", code="settings-missing", next_step=made_by) from None
    except OSError as error:
        raise SetupError(
            f"{path} cannot be read: {error.strerror}",
            code="settings-unreadable",
            next_step=f"ls -ld {shlex.quote(str(path))}",
        ) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _at(path, line, "this is not UTF-8 text", "settings-unreadable") from None


def _first_error(path: Path, text: str, model: type[BaseModel], faults: Sequence[ErrorDetails]) -> SetupError:
    """One sentence about the error that stands first in the file; the next one is told when this one is mended."""
    lines = Lines(text)
    found = [(lines.find(entry["loc"]), entry) for entry in faults]
    line, entry = min(found, key=lambda pair: pair[0] or 0)
    loc = tuple(part for part in entry["loc"] if part != "[key]")
    key = ".".join(part for part in loc if isinstance(part, str))  # of a list, the entry is shown itself
    known, description = _known(model, loc)
    if entry["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
        return _at(path, line, f'"{key}" is not a setting; {hint}', "settings-unknown-key")
    allowed = plain_words(entry)
    about = f" ({description.rstrip('.')})" if description and not says_it_all(entry) else ""
    if entry["type"] == "missing":
        return _at(path, line, f"{key} has to be set{about}", "settings-bad-value")
    if not loc:
        return _at(path, line, allowed, "settings-bad-value")
    shown = toml_value(entry["input"])
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[: _SHOWN_CHARACTERS - 3] + "..."
    return _at(path, line, f"{key} cannot be {shown}: {allowed}{about}", "settings-bad-value")


def _known(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[list[str], str]:
    """The keys that are known beside the last part of `loc`, and the description of the setting it belongs to."""
    known: list[str] = []
    description = ""
    table: Any = model
    for part in loc:
        if not (isinstance(table, type) and issubclass(table, BaseModel)):
            break
        known = list(table.model_fields)
        field = table.model_fields.get(str(part))
        if field is None:
            break
        description, table = field.description or "", field.annotation
    return known, description


def _at(path: Path, line: int | None, sentence: str, code: str) -> SetupError:
    where = f"{path}, line {line}" if line else str(path)
    place = f"{f'line {line} of ' if line else ''}{shlex.quote(str(path))}"
    return SetupError(f"{where}: {sentence}", code=code, next_step=f"edit {place}")
