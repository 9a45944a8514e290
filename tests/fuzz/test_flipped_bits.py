"""Each bit turned, one at a time, in a statement of each kind, a receipt, a hello, a sealed box: all are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from byway.errors import StatementError
from byway.protocol.bodies import BODIES
from byway.protocol.hello import Hello, check_hello
from byway.protocol.offer import Offer, check_offer
from byway.protocol.receipt import Receipt
from byway.protocol.seal import Sealed, open_sealed, seal
from byway.protocol.statement import SIGNATURE_BYTES, Kind, Statement, parse_statement
from byway.protocol.urn import mailbox_urn
from tests.vectors import example_deal as deal
from tests.vectors.notation import LATER, NOW, key, load, make, public

SMALL_CAST = {name: value for name, value in deal.CAST.items() if name != "facets"} | {"facets": {}, "demand": {}}


def turned(data: bytes, bits: Iterable[int] | None = None) -> Iterator[tuple[int, bytes]]:
    """Which bit, and `data` with that one turned, for each bit, or for each of `bits`."""
    for bit in range(8 * len(data)) if bits is None else bits:
        at = bit // 8
        yield bit, data[:at] + bytes([data[at] ^ 1 << bit % 8]) + data[at + 1 :]


def accepted(data: bytes, accept: Callable[[bytes], object], bits: Iterable[int] | None = None) -> list[int]:
    """The bits that can be turned without `accept` refusing it."""
    found = []
    for bit, changed in turned(data, bits):
        try:
            accept(changed)
        except StatementError:
            continue
        found.append(bit)
    return found


def read(data: bytes) -> Statement:
    """As every hop reads a statement, up to its signature."""
    view = parse_statement(data)
    view.verify()
    return view


def one_of(kind: Kind) -> Statement:
    """A good statement of this kind, no longer than it has to be."""
    if kind is Kind.CAST:
        return make(deal.BUYER, Kind.CAST, SMALL_CAST)
    cases = [bytes.fromhex(case["bytes"]) for case in load(kind.name.lower())["valid"]]
    return parse_statement(min(cases, key=len))


@pytest.mark.slow
@pytest.mark.parametrize("kind", BODIES, ids=[kind.name.lower() for kind in BODIES])
def test_a_statement_with_a_bit_turned_is_refused(kind: Kind) -> None:
    data = one_of(kind).data
    assert read(data).kind is kind

    assert accepted(data, read) == []


def test_a_receipt_with_a_bit_turned_proves_nothing() -> None:
    good = next(case for case in load("receipt")["receipts"] if case["code"] is None and case["path"])
    node, wanted = bytes.fromhex(good["node"]), bytes.fromhex(good["id"])
    path = tuple(bytes.fromhex(sibling) for sibling in good["path"])
    receipt = Receipt(parse_statement(bytes.fromhex(good["head"])), good["sequence"], path)
    receipt.verify(wanted, node)

    assert accepted(receipt.to_bytes(), lambda data: Receipt.from_bytes(data).verify(wanted, node)) == []
    assert accepted(wanted, lambda changed: receipt.verify(changed, node)) == []


def test_a_hello_with_a_bit_turned_opens_no_link() -> None:
    """Also one that is signed again, by somebody else or about something else."""
    hello = Hello.from_statement(one_of(Kind.HELLO))
    signer = next(key(number) for number in range(1, 8) if public(number) == hello.key)
    data = hello.sign(signer, created=NOW, expires=LATER).data
    check_hello(parse_statement(data), hello, now=NOW)

    assert accepted(data, lambda changed: check_hello(parse_statement(changed), hello, now=NOW)) == []


@pytest.mark.slow
def test_a_sealed_offer_with_a_bit_turned_is_no_offer_even_signed_again() -> None:
    """Whoever passes it on can sign the outside anew; the person still finds out."""
    cast, outer = make(deal.BUYER, Kind.CAST, SMALL_CAST), key(deal.OUTER)
    fields = {"cast": cast.id, "reply_key": deal.REPLY_KEY, "outer": public(deal.OUTER), "serial": 1}
    inner = make(deal.SELLER, Kind.OFFER, deal.OFFER | fields)
    sealed = seal(
        inner,
        to=mailbox_urn(cast.signer),
        cast=cast.id,
        serial=1,
        reply_key=deal.REPLY_KEY,
        outer_key=outer,
        ephemeral_secret=deal.EPHEMERAL,
        nonce=deal.NONCE,
        created=NOW,
        expires=LATER,
    )
    outside = Sealed.from_statement(sealed)
    address, box = sealed.body_bytes.index(outside.to.encode()), sealed.body_bytes.index(outside.box)

    def opened(body: bytes) -> None:
        head = sealed.data[: -len(body) - SIGNATURE_BYTES]
        outside = parse_statement(head + body + bytes(SIGNATURE_BYTES))  # as signed again: nobody asks whose it is
        found = open_sealed(outside, deal.REPLY_SECRET)
        check_offer(Offer.from_statement(found), sealed=outside, reply_key=deal.REPLY_KEY, cast=cast)

    opened(sealed.body_bytes)
    # The address says where it was left, which the authority that keeps that mailbox has checked.  The box has one tag
    # over all of it: one bit of each byte is enough.
    bits = [
        bit
        for bit in range(8 * len(sealed.body_bytes))
        if not address <= bit // 8 < address + len(outside.to)
        and (bit % 8 == bit // 8 % 8 or not box <= bit // 8 < box + len(outside.box))
    ]
    assert accepted(sealed.body_bytes, opened, bits) == []
