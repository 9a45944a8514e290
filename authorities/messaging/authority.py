"""What a messaging authority takes and hands over: mailboxes, what is sealed to them, and closes."""

from __future__ import annotations

from collections.abc import Callable

from authorities.messaging.mailbox import Mailbox
from byway.errors import Refused, StatementError
from byway.protocol.mailbox import Mailbox as MailboxBody
from byway.protocol.seal import Sealed
from byway.protocol.statement import Kind, Statement
from byway.protocol.topic import TopicPattern
from byway.protocol.urn import node_urn, parse_urn
from byway.router.policy import Admitted, Source, admit_acknowledgement, current_close, not_admitted


class MessagingPolicy:
    """Keeps a mailbox for every key that asks, within what it asked for.

    A mailbox is opened, filled and emptied on links of the keys concerned: whoever hands in a `mailbox` or `sealed`
    statement has to be its signer, and only the mailbox's own key may collect.
    """

    # Mailboxes first: one that was renewed holds what came before, when its earlier statement has expired.
    remembers: tuple[Kind, ...] = (Kind.MAILBOX, Kind.SEALED, Kind.CLOSE)

    def __init__(self, node_key: bytes, now_ms: Callable[[], int]) -> None:
        self._urn = node_urn(node_key)
        self._now_ms = now_ms
        self._mailboxes: dict[bytes, Mailbox] = {}

    def admit(self, statement: Statement, source: Source) -> Admitted:
        if statement.kind is Kind.ACKNOWLEDGEMENT:
            return admit_acknowledgement(statement, source.peer, self._urn)
        if statement.kind not in self.remembers:
            raise not_admitted(statement.kind)
        if statement.signer != source.peer:
            raise StatementError("it is handed in on a link of the key that signed it", code="wrong-signer")
        if statement.kind is Kind.SEALED:
            return self._admit_sealed(statement, stamped=source.stamped)
        if statement.kind is Kind.MAILBOX:
            self._check_mailbox(statement)
        else:
            current_close(statement)
            self._open(statement.signer)
        return Admitted(statement)

    def remember(self, statement: Statement) -> None:
        if statement.kind is Kind.MAILBOX:
            mailbox = self._mailboxes.get(statement.signer)
            if mailbox is None:
                self._mailboxes[statement.signer] = Mailbox(statement)
            elif statement.created >= mailbox.created:
                mailbox.renew(statement)
        elif statement.kind is Kind.SEALED:
            sealed = Sealed.from_statement(statement)
            mailbox = self._mailboxes.get(parse_urn(sealed.to).key)
            if mailbox is not None:
                mailbox.hold(statement, sealed)
        elif statement.signer in self._mailboxes:
            self._mailboxes[statement.signer].closed = True

    def forget(self, statement: Statement) -> None:
        if statement.kind is Kind.SEALED:
            mailbox = self._mailboxes.get(parse_urn(Sealed.from_statement(statement).to).key)
            if mailbox is not None:
                mailbox.release(statement)

    def is_delivered(self, statement: Statement) -> bool:
        if statement.kind is not Kind.SEALED:
            return False
        mailbox = self._mailboxes.get(parse_urn(Sealed.from_statement(statement).to).key)
        return mailbox is not None and mailbox.counts(statement)

    def facets(self, statement: Statement) -> None:
        del statement  # what is sealed has none

    def expire(self, now_ms: int) -> None:
        self._mailboxes = {key: mailbox for key, mailbox in self._mailboxes.items() if mailbox.expires > now_ms}

    def may_subscribe(self, pattern: str, peer: bytes) -> None:
        if not pattern.startswith("urn:byway:mailbox:"):
            TopicPattern.parse(pattern)
            raise Refused("not-served", "this node keeps mailboxes; subscribe to topics at a router")
        key = parse_urn(pattern, "mailbox").key
        if key != peer:
            raise Refused("not-yours")
        self._open(key)

    def _admit_sealed(self, statement: Statement, *, stamped: bool) -> Admitted:
        sealed = Sealed.from_statement(statement)
        mailbox = self._open(parse_urn(sealed.to).key)
        if mailbox.closed:
            raise Refused("closed")
        mailbox.admit(statement, sealed, self._now_ms(), stamped=stamped)
        return Admitted(statement, sealed.to)

    def _check_mailbox(self, statement: Statement) -> None:
        if MailboxBody.from_statement(statement).at != self._urn:
            raise Refused("wrong-authority")
        mailbox = self._mailboxes.get(statement.signer)
        if mailbox is not None and mailbox.statement_id != statement.id and statement.created < mailbox.created:
            raise Refused("older-serial", "a later statement of this mailbox is here already")

    def _open(self, key: bytes) -> Mailbox:
        mailbox = self._mailboxes.get(key)
        if mailbox is None or mailbox.expires <= self._now_ms():
            raise Refused("mailbox-unknown")
        return mailbox
