"""What the vault holds, in words and ready for JSON: the form in which a node tells its owner."""

from __future__ import annotations

from typing import Any, Final

from byway.cli.next_steps import NEXT_STEPS
from byway.errors import CODES
from byway.protocol.descriptions import describe
from byway.protocol.intentcast import Cast
from byway.protocol.offer import Offer
from byway.protocol.receipt import Head, Receipt
from byway.protocol.statement import Statement
from byway.protocol.urn import node_urn
from intentron.node.waits import Wait
from intentron.stock.rule import StandingRule
from intentron.vault import (
    Answer,
    AnswerState,
    CastState,
    OwnCast,
    ReceivedCast,
    ReceivedOffer,
    StockList,
    Subscription,
    Vault,
)

Json = dict[str, Any]

_ASK: Final = "ask the operator of that node what it means, or use another node"  # a code that is newer than we are
_CAST_STATES: Final = {CastState.DRAFT: "waiting", CastState.ACCEPTED: "published"}


def cast_state(cast: OwnCast) -> str:
    """The word for the state of a cast: what an offer is called that was agreed to is not used twice."""
    return _CAST_STATES.get(cast.state, cast.state.value)


def show_cast(vault: Vault, cast: OwnCast, wait: Wait | None) -> Json:
    """One of the person's own casts, in short."""
    body = Cast.from_statement(cast.statement)
    return {
        "name": cast.name,
        "topic": body.to,
        "facets": _facets(body),
        "sentence": cast.sentence,
        "state": cast_state(cast),
        **_fate(cast, wait),
        "sent": cast.sent,
        "made_at": cast.made_at,
        "expires": cast.statement.expires,
        "offers": len(vault.offers.to_cast(cast.id)),
        "max_offers": body.offers,
        "published": cast.receipt is not None,
        "router": str(cast.router) if cast.router else None,
        "authority": str(cast.authority) if cast.authority else None,
    }


def show_cast_in_full(vault: Vault, cast: OwnCast, wait: Wait | None) -> Json:
    """One of them, with all that was said, and who has signed for it."""
    body = Cast.from_statement(cast.statement)
    return show_cast(vault, cast, wait) | {
        "id": cast.statement.urn,
        "demand": plain(body.demand),
        "terms": list(body.terms),
        "receipt": _receipt(cast.receipt) if cast.receipt else None,
    }


def show_offer(vault: Vault, offer: ReceivedOffer) -> Json:
    """An offer that came."""
    return {
        "name": offer.name,
        "cast": vault.casts[offer.cast_id].name,
        **_offer(offer.statement),
        "seller": node_urn(offer.statement.signer),
        "state": offer.state.value,
        "reason": offer.reason,
        "received_at": offer.received_at,
        "expires": offer.statement.expires,
    }


def show_received(cast: ReceivedCast) -> Json:
    """A cast that came to a seller."""
    body = Cast.from_statement(cast.statement)
    return {
        "name": cast.name,
        "topic": body.to,
        "facets": _facets(body),
        "demand": plain(body.demand),
        "terms": list(body.terms),
        "sub": cast.sub,
        "state": cast.state.value,
        "received_at": cast.received_at,
        "expires": cast.statement.expires,
    }


def show_answer(vault: Vault, answer: Answer, wait: Wait | None) -> Json:
    """An offer that this seller made."""
    return {
        "name": answer.name,
        "cast": vault.inbox[answer.cast_id].name,
        **_offer(answer.statement),
        "rule": answer.rule,
        "state": answer.state.value,
        **(_wait(None) | why_refused(answer.reason) if answer.state is AnswerState.REFUSED else _wait(wait)),
        "reason": answer.reason,
        "made_at": answer.made_at,
        "expires": answer.statement.expires,
    }


def show_subscription(subscription: Subscription, wait: Wait | None, *, listening: bool) -> Json:
    """What a seller listens for."""
    return {
        "name": subscription.sub,
        "pattern": subscription.pattern,
        "filter": subscription.filter,
        "router": str(subscription.router) if subscription.router else None,
        "state": "listening" if listening else "waiting",
        **_wait(wait),
    }


def show_stock(kept: StockList) -> Json:
    """A stock list."""
    return {"name": kept.name, "source": kept.source, "items": kept.items, "imported_at": kept.imported_at}


def show_rule(rule: StandingRule, made_today: int) -> Json:
    """A standing rule, and how much of its day it has used."""
    return rule.model_dump(mode="json") | {"made_today": made_today}


def plain(value: Any) -> Any:
    """A decoded value as JSON can hold it: bytes in hex."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.hex() if isinstance(value, bytes) else value


def why_refused(code: str, reason: str = "") -> Json:
    """A final refusal: its code, what was said (an older vault has not kept it), and what its owner can do."""
    if not reason and code in CODES:
        reason = CODES[code].meaning
    return {"code": code, "reason": reason, "next_step": NEXT_STEPS.get(code, _ASK) if code else ""}


def _fate(cast: OwnCast, wait: Wait | None) -> Json:
    if cast.state is CastState.DRAFT:
        return why_refused("") | _wait(wait)
    return _wait(None) | why_refused(cast.code, cast.reason)


def _wait(wait: Wait | None) -> Json:
    return {"waiting_for": wait.reason if wait else None, "next_step": wait.next_step if wait else ""}


def _facets(body: Cast) -> dict[str, str]:
    return {name: describe(facet) for name, facet in body.facets.items()}


def _offer(statement: Statement) -> Json:
    body = Offer.from_statement(statement)
    said = {name: value if isinstance(value, str) else "" for name, value in body.offer.items()}
    return {
        "title": said.get("name", ""),
        "description": said.get("description", ""),
        "price": describe(body.price) if body.price else None,
        "terms": body.terms,
        "offer": plain(body.offer),
    }


def _receipt(data: bytes) -> Json:
    receipt = Receipt.from_bytes(data)
    return {
        "node": node_urn(receipt.head.signer),
        "at": receipt.head.created,
        "sequence": receipt.sequence,
        "durable": Head.from_statement(receipt.head).durable,
    }
