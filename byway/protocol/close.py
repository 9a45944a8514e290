"""The close: the sender of a cast takes it back before it expires (wire-protocol section 4.2)."""

from __future__ import annotations

from nacl.signing import SigningKey

from byway.errors import StatementError
from byway.protocol.body import Body, Bytes32, TimeMs, TopicUrn
from byway.protocol.intentcast import Cast
from byway.protocol.rounded_times import round_created
from byway.protocol.statement import Kind, Statement


class Close(Body):
    """Which cast is closed, and where and until when it may be met."""

    kind = Kind.CLOSE

    cast: Bytes32
    to: TopicUrn
    until: TimeMs


def make_close(key: SigningKey, cast: Statement, *, now_ms: int) -> Statement:
    """The close of `cast` by its own key.  It lives as long as the cast would have.

    `created` is rounded as in a cast, so that casts closed together do not show it.
    Raises `StatementError`: `bad-lifetime` if the cast has expired.
    """
    created = max(cast.created, round_created(now_ms))
    close = Close(cast=cast.id, to=Cast.from_statement(cast).to, until=cast.expires)
    statement = close.sign(key, created=created, expires=cast.expires)
    check_close(statement, cast)
    return statement


def check_close(statement: Statement, cast: Statement) -> None:
    """Raise `StatementError` unless `statement` closes `cast`: `wrong-signer`, or `bad-body` if it names another."""
    if statement.signer != cast.signer:
        raise StatementError("a cast is closed by its own key only", code="wrong-signer")
    close = Close.from_statement(statement)
    if close.cast != cast.id or close.until != cast.expires or close.to != Cast.from_statement(cast).to:
        raise StatementError("the close names another cast", code="bad-body")
