"""Which path of the local API asks what of the node.  `docs/reference/local-api.md` says the same for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from byway.errors import BywayError, StatementError
from intentron.api.operations import Json, Operations
from intentron.api.refusals import answer, mistake, no_such_path, refusal
from intentron.api.requests import (
    CastRequest,
    DeclineRequest,
    EventsQuery,
    OfferRequest,
    OffersQuery,
    RuleRequest,
    SubscriptionRequest,
    parse_body,
    parse_query,
    parse_sheet,
)

log = structlog.get_logger()

MAX_REQUEST_BYTES: Final = 20 * 1024 * 1024  # the largest sheet, as text in JSON

Handler = Callable[[Request], Awaitable[Any]]


def make_app(operations: Operations) -> Starlette:
    """The API over `operations`."""
    return Starlette(routes=Paths(operations).routes(), exception_handlers={HTTPException: _unknown})


class Paths:
    """What each path does: check what was asked, ask it of the node, hand the answer on."""

    def __init__(self, operations: Operations) -> None:
        self._node = operations

    def routes(self) -> list[Route]:
        """Every path with its method.  A path that changes something is never a GET."""
        return [
            _route("GET", "/status", self._status),
            _route("GET", "/casts", self._casts),
            _route("POST", "/casts", self._cast),
            _route("GET", "/casts/{name}", self._cast_details),
            _route("GET", "/casts/{name}/offers", self._offers_to_cast),
            _route("POST", "/casts/{name}/close", self._close),
            _route("GET", "/offers", self._offers),
            _route("POST", "/offers/{name}/accept", self._accept),
            _route("POST", "/offers/{name}/decline", self._decline),
            _route("GET", "/subscriptions", self._subscriptions),
            _route("POST", "/subscriptions", self._subscribe),
            _route("DELETE", "/subscriptions/{name}", self._unsubscribe),
            _route("GET", "/inbox", self._inbox),
            _route("POST", "/inbox/{name}/offer", self._offer),
            _route("GET", "/answers", self._answers),
            _route("GET", "/stock", self._stock),
            _route("POST", "/stock", self._import_stock),
            _route("GET", "/rules", self._rules),
            _route("POST", "/rules", self._add_rule),
            _route("DELETE", "/rules/{name}", self._remove_rule),
            _route("GET", "/events", self._events),
        ]

    async def _status(self, _: Request) -> Json:
        return await self._node.status()

    async def _casts(self, _: Request) -> list[Json]:
        return await self._node.casts()

    async def _cast(self, request: Request) -> Json:
        asked = parse_body(await _body(request), CastRequest)
        wish = asked.model_dump(exclude={"dry_run"}, exclude_none=True)
        return await (self._node.dry_run(wish) if asked.dry_run else self._node.cast(wish))

    async def _cast_details(self, request: Request) -> Json:
        return await self._node.cast_details(_name(request))

    async def _offers_to_cast(self, request: Request) -> list[Json]:
        return await self._node.offers(_name(request))

    async def _close(self, request: Request) -> Json:
        return await self._node.close(_name(request))

    async def _offers(self, request: Request) -> list[Json]:
        return await self._node.offers(parse_query(dict(request.query_params), OffersQuery).cast)

    async def _accept(self, request: Request) -> Json:
        return await self._node.accept(_name(request))

    async def _decline(self, request: Request) -> Json:
        asked = parse_body(await _body(request), DeclineRequest)
        return await self._node.decline(_name(request), asked.reason)

    async def _subscriptions(self, _: Request) -> list[Json]:
        return await self._node.subscriptions()

    async def _subscribe(self, request: Request) -> Json:
        asked = parse_body(await _body(request), SubscriptionRequest)
        return await self._node.subscribe(asked.name, asked.pattern, asked.filter, asked.router)

    async def _unsubscribe(self, request: Request) -> Json:
        return await self._node.unsubscribe(_name(request))

    async def _inbox(self, _: Request) -> list[Json]:
        return await self._node.inbox()

    async def _offer(self, request: Request) -> Json:
        asked = parse_body(await _body(request), OfferRequest)
        return await self._node.offer(_name(request), asked.model_dump(exclude_none=True))

    async def _answers(self, _: Request) -> list[Json]:
        return await self._node.answers()

    async def _stock(self, _: Request) -> list[Json]:
        return await self._node.stock()

    async def _import_stock(self, request: Request) -> Json:
        sheet = parse_sheet(await _body(request))
        return await self._node.import_stock(sheet.list, sheet.map, sheet.csv, sheet.only, sheet.source)

    async def _rules(self, _: Request) -> list[Json]:
        return await self._node.rules()

    async def _add_rule(self, request: Request) -> Json:
        rule = parse_body(await _body(request), RuleRequest)
        return await self._node.add_rule(rule.model_dump(mode="json"))

    async def _remove_rule(self, request: Request) -> Json:
        return await self._node.remove_rule(_name(request))

    async def _events(self, request: Request) -> list[Json]:
        asked = parse_query(dict(request.query_params), EventsQuery)
        return await self._node.events(asked.after, asked.wait_s)


def _route(method: str, path: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return answer(await handler(request))
        except BywayError as error:
            return refusal(error, request)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("api_mistake", method=request.method, path=request.url.path)
            return mistake()  # whatever it is, one request fails and the node goes on

    return Route(path, endpoint, methods=[method])


async def _body(request: Request) -> bytes:
    """The whole body.  Raises `StatementError` (`too-large`) as soon as it is over the limit."""
    parts = bytearray()
    async with aclosing(request.stream()) as stream:
        async for part in stream:
            parts += part
            if len(parts) > MAX_REQUEST_BYTES:
                raise StatementError(f"the request has over {MAX_REQUEST_BYTES >> 20} MB", code="too-large")
    return bytes(parts)


def _name(request: Request) -> str:
    return str(request.path_params["name"])


async def _unknown(request: Request, error: Exception) -> Response:
    return no_such_path(request, error.status_code if isinstance(error, HTTPException) else 404)
