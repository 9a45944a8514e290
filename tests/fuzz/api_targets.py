"""Targets for what is asked of an intentron: bodies and queries of its local API, sheets in JSON, items of stock."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from nacl.signing import SigningKey
from pydantic import BaseModel
from starlette.datastructures import QueryParams

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.limits import HOUR_MS, MAX_BODY_BYTES, MAX_INTEGER
from byway.protocol.urn import node_urn
from byway.topic_text import parse_topic_text
from intentron.api.requests import (
    MAX_WAIT_S,
    CastRequest,
    DeclineRequest,
    EventsQuery,
    OfferRequest,
    OffersQuery,
    Request,
    RuleRequest,
    SubscriptionRequest,
    parse_body,
    parse_query,
    parse_sheet,
)
from intentron.deal import CastDraft, Wish, draft_cast
from intentron.facet_text import facets_from_values
from intentron.stock.item import parse_item
from tests.fuzz.verdicts import Target, taken
from tests.vectors.notation import NOW

MODELS: Final[tuple[type[BaseModel], ...]] = (
    CastRequest,
    DeclineRequest,
    SubscriptionRequest,
    OfferRequest,
    RuleRequest,
)
_KEY: Final = SigningKey(bytes(32))
_NODE: Final = node_urn(bytes(_KEY.verify_key))


def request(data: bytes) -> None:
    """A body of JSON, for the request that the first byte chooses.  A wish becomes a cast, or is refused."""
    model = MODELS[data[0] % len(MODELS)] if data else CastRequest
    asked, _ = taken(partial(parse_body, data[1:], model), "bad-request", brief=False)
    if isinstance(asked, CastRequest):
        taken(partial(_cast, asked), brief=False)
    elif isinstance(asked, RuleRequest):
        assert RuleRequest.model_validate(asked.model_dump(mode="json"), strict=False) == asked


def query(data: bytes) -> None:
    """What stands behind the question mark."""
    values = dict(QueryParams(data))
    taken(partial(parse_query, values, OffersQuery), "bad-request", brief=False)
    events, _ = taken(partial(parse_query, values, EventsQuery), "bad-request", brief=False)
    if events is not None:
        assert 0 <= events.after <= MAX_INTEGER
        assert 0 <= events.wait_s <= MAX_WAIT_S


def sheet_request(data: bytes) -> None:
    """A sheet in a body of JSON, whose bytes come back out of the text; the other texts can be written anywhere."""
    asked, _ = taken(partial(parse_sheet, data), "bad-request", brief=False)
    if asked is not None:
        assert isinstance(asked.csv.encode("utf-8", "surrogateescape"), bytes)
        assert f"{asked.list}{asked.map}{asked.source}{asked.only}".encode()


def item(data: bytes) -> None:
    """One thing in stock, as the vault gives it back."""
    value = _value(data)
    parsed, _ = taken(partial(parse_item, value), "bad-body", "bad-facet")
    if parsed is not None:
        assert parse_item(parsed.wire()) == parsed


def _cast(asked: Request) -> CastDraft:
    """The cast that a wish becomes, as the node makes it."""
    wish = asked.model_dump()
    return draft_cast(
        Wish(
            topic=parse_topic_text(wish["topic"]),
            facets=facets_from_values(wish["facets"]),
            demand={"@type": "Demand"} | wish["demand"],
            offers=wish["offers"] or 1,
            terms=tuple(wish["terms"] or ()),
            lifetime_ms=(wish["hours"] or 1) * HOUR_MS,
        ),
        key=_KEY,
        reply_secret=bytes(range(32)),
        authority=_NODE,
        now_ms=NOW,
    )


def _value(data: bytes) -> Any:
    try:
        return canonical.decode(data, max_bytes=MAX_BODY_BYTES)
    except StatementError:
        return None


TARGETS: Final[dict[str, Target]] = {
    "request": request,
    "query": query,
    "sheet-request": sheet_request,
    "item": item,
}
