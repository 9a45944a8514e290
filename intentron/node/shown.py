"""What the vault holds, in words and ready for JSON: the form in which a node tells its owner."""

from __future__ import annotations

from typing import Any

from byway.protocol.descriptions import describe
from byway.protocol.intentcast import Cast
from byway.protocol.offer import Offer
from byway.protocol.receipt import Head, Receipt
from byway.protocol.statement import Statement
from byway.protocol.urn import node_urn
from intentron.stock.rule import StandingRule
from intentron.vault import Answer, CastState, OwnCast, ReceivedCast, ReceivedOffer, StockList, Vault

Json = dict[str, Any]


def show_cast(vault: Vault, cast: OwnCast, waiting_for: str | None) -> Json:
    """One of the person's own casts, in short."""
    body = Cast.from_statement(cast.statement)
    draft = cast.state is CastState.DRAFT
    return {
        "name": cast.name,
        "topic": body.to,
        "facets": _facets(body),
        "sentence": cast.sentence,
        "state": "waiting" if draft else cast.state.value,
        "waiting_for": waiting_for if draft else None,
        "code": cast.code,
        "made_at": cast.made_at,
        "expires": cast.statement.expires,
        "offers": len(vault.offers.to_cast(cast.id)),
        "max_offers": body.offers,
        "router": str(cast.router),
        "authority": str(cast.authority),
    }


def show_cast_in_full(vault: Vault, cast: OwnCast, waiting_for: str | None) -> Json:
    """One of them, with all that was said, and who has signed for it."""
    body = Cast.from_statement(cast.statement)
    return show_cast(vault, cast, waiting_for) | {
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


def show_answer(vault: Vault, answer: Answer, waiting_for: str | None) -> Json:
    """An offer that this seller made."""
    return {
        "name": answer.name,
        "cast": vault.inbox[answer.cast_id].name,
        **_offer(answer.statement),
        "rule": answer.rule,
        "state": answer.state.value,
        "waiting_for": waiting_for,
        "reason": answer.reason,
        "made_at": answer.made_at,
        "expires": answer.statement.expires,
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
