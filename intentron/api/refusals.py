"""How the local API says no: a fitting HTTP status, and always one code, one sentence and the next thing to do."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from byway.errors import CODES, BywayError, StatementError

MISTAKE: Final = "internal-error"  # the one code that nobody raises on purpose

_STATUS: Final = {
    "name-unknown": 404,
    "not-found": 404,
    "not-served": 404,
    "too-large": 413,
    "closed": 409,
    "expired": 409,
    "ended": 409,
    "name-taken": 409,
    "settled": 409,
    "store-damaged": 500,
    "store-failed": 500,
}
_NEXT: Final = {  # where whoever refused did not say it
    "bad-facet": "write values as beds=2.., '..800000 USD', condo; see intentron cast --help",
    "bad-filter": 'write a filter as \'beds >= 2 && price <= money("800000.00", "USD")\'',
    "bad-offer": "intentron inbox",
    "bad-pattern": "write a pattern as open:homes:**",
    "bad-urn": "write a topic as open:homes:boston, terms as urn:byway:terms:ROSTER:ID",
    "closed": "intentron inbox",
    "expired": "intentron status",
    "ended": "intentron status",
    "name-taken": "give it another name",
    "name-unknown": "intentron status",
    "not-found": "intentron status",
    "settled": "intentron status",
    "too-large": "make it smaller, or split it",
}
_LATER: Final = "try it again in a while"
_READ: Final = "see docs/reference/local-api.md"
_BAD_REQUEST: Final = 400
_UNAVAILABLE: Final = 503
_MISTAKE: Final = 500


def answer(value: Any, status: int = 200) -> Response:
    """`value` as a response of JSON, in ASCII: what a stranger wrote cannot break it."""
    return Response(json.dumps(value, allow_nan=False) + "\n", status, media_type="application/json")


def refusal(error: BywayError, request: Request) -> Response:
    """The response to a request that was refused on purpose."""
    known = CODES.get(error.code)
    passing = known is not None and known.temporary
    status = _STATUS.get(error.code, _UNAVAILABLE if passing else _BAD_REQUEST)
    next_step = error.next_step or _settled(error, request) or _NEXT.get(error.code, _LATER if passing else _READ)
    return _said(status, error.code, str(error), next_step)


def _settled(error: BywayError, request: Request) -> str:
    """Where stands how what cannot be changed any more has ended."""
    if error.code != "settled":
        return ""
    _, what, name, *_ = *request.url.path.split("/"), "", ""
    return {"offers": "intentron offers", "casts": f"intentron casts {name}", "inbox": "intentron answers"}.get(
        what, ""
    )


def no_such_path(request: Request, status: int) -> Response:
    """The response to a path, or to a method on a path, that does not exist."""
    error = StatementError(f"{request.method} {request.url.path} is not part of this API", code="not-served")
    return _said(status, error.code, str(error), _READ)


def mistake() -> Response:
    """The response when the program itself is wrong."""
    return _said(_MISTAKE, MISTAKE, "the intentron made a mistake; its log says which", "intentron status")


def _said(status: int, code: str, sentence: str, next_step: str) -> Response:
    return answer({"code": code, "sentence": sentence, "next_step": next_step}, status)
