"""What may be asked of the local API: strict models, in which a field that means nothing is refused."""

from __future__ import annotations

import difflib
import json
from typing import Annotated, Any, Final, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from byway.errors import StatementError
from byway.plain_words import plain_words
from byway.protocol.limits import DAY_MS, HOUR_MS, MAX_INTEGER, MAX_OFFERS, MAX_SUB_BYTES, MAX_TERMS
from intentron.stock.rule import StandingRule

_M = TypeVar("_M", bound=BaseModel)

MAX_WAIT_S: Final = 30.0  # a follower asks again; nothing may look dead for longer
MAX_HOURS: Final = 30 * DAY_MS // HOUR_MS  # the longest life of casts and sealed offers
MAX_SENTENCE: Final = 4096  # characters, kept at home

_SAID: Final = {  # what bodies of JSON have, and settings have not
    "decimal_max_digits": "it has too many digits",
    "decimal_parsing": "it has to be a number",
    "decimal_type": "it has to be a number",
    "list_type": "it has to be a list",
    "model_type": "it has to be an object",
    "dict_type": "it has to be an object",
    "string_pattern_mismatch": "it has a character that cannot be in it, such as / in a name",
    "string_type": "it has to be text",
}


def _utf8(text: str, errors: str = "strict") -> str:
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        raise ValueError("it has half of a character, which cannot stand alone") from None
    return text


Name = Annotated[str, Field(min_length=1, max_length=MAX_SUB_BYTES, pattern=r"^[^/]+$")]  # it stands in paths
Hours = Annotated[int, Field(ge=1, le=MAX_HOURS)]
Words = Annotated[str, AfterValidator(_utf8)]  # where what reads JSON lets lone surrogates through
Csv = Annotated[str, AfterValidator(lambda text: _utf8(text, "surrogateescape"))]


class Request(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class CastRequest(Request):
    """A wish: what `POST /casts` publishes, or only shows if `dry_run` is true."""

    topic: Annotated[str, Field(min_length=1)]
    facets: dict[str, Any] = {}
    demand: dict[str, Any] = {}
    offers: Annotated[int, Field(ge=1, le=MAX_OFFERS)] | None = None
    terms: Annotated[list[str], Field(max_length=MAX_TERMS)] | None = None
    hours: Hours | None = None
    sentence: Annotated[str, Field(max_length=MAX_SENTENCE)] = ""
    dry_run: bool = False


class DeclineRequest(Request):
    """Why an offer is not taken."""

    reason: Literal["price", "place", "time", "terms", "chosen-another", "other"] = "other"


class SubscriptionRequest(Request):
    """What to listen for; without a name it is called by its petname or its pattern."""

    pattern: Annotated[str, Field(min_length=1)]
    filter: str = ""
    name: Name | None = None
    router: str | None = None


class OfferRequest(Request):
    """An answer to a cast, by hand."""

    price: str | None = None
    title: Annotated[str, Field(min_length=1)]
    description: str = ""
    hours: Hours | None = None
    terms: str | None = None


class StockRequest(Request):
    """A sheet.  Bytes of it that are not UTF-8 stand in `csv` as lone surrogates (PEP 383)."""

    list: Name
    map: Annotated[str, Field(min_length=1)]
    csv: Csv
    source: Words = ""
    only: Words | None = None


class RuleRequest(StandingRule):
    """A standing rule; its pattern may be a petname, which only the node can read."""

    name: Name
    pattern: Annotated[str, Field(min_length=1)]


class EventsQuery(Request):
    """Which events, and how long to wait for the first of them."""

    after: Annotated[int, Field(ge=0, le=MAX_INTEGER)] = 0
    wait_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S)] = 0.0


class OffersQuery(Request):
    """Which offers: all, or those to one cast."""

    cast: str | None = None


def parse_body(data: bytes, model: type[_M]) -> _M:
    """The request in a body of JSON.  Raises `StatementError` (`bad-request`) that names the field to mend."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        return _refuse(error, model)


def parse_sheet(data: bytes) -> StockRequest:
    """As `parse_body`, for a sheet: pydantic's own reader of JSON has no lone surrogates."""
    try:
        return StockRequest.model_validate(json.loads(data))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            return _refuse(error, StockRequest)
        raise StatementError(f"this is not JSON: {error}", code="bad-request") from None


def parse_query(values: dict[str, str], model: type[_M]) -> _M:
    """The request in a query; numbers are texts there.  Raises `StatementError` (`bad-request`)."""
    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        return _refuse(error, model)


def _refuse(error: ValidationError, model: type[BaseModel]) -> NoReturn:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    next_step = ""
    if first["type"] == "extra_forbidden":
        sentence = f'"{field}" means nothing here'
        if near := difflib.get_close_matches(field, model.model_fields, n=1):
            next_step = f'did you mean "{near[0]}"?'
    elif first["type"] == "missing":
        sentence = f'"{field}" is missing'
    elif first["type"] == "json_invalid":
        sentence = f"this is not JSON: {first['ctx']['error']}"
    else:
        why = _SAID.get(first["type"]) or plain_words(first)
        sentence = f'"{field}": {why}' if field else f"of the request: {why}"
    raise StatementError(sentence, code="bad-request", next_step=next_step) from None
