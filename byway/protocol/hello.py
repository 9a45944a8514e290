"""The hello: each end of a link signs for who it is (wire-protocol sections 4.11 and 8.3).

It names both ends, both nonces and the key that the client has seen, so that it is good for one link only.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated, Final, Literal

from nacl.signing import SigningKey
from pydantic import Field

from byway.errors import StatementError
from byway.protocol import canonical
from byway.protocol.body import Body, Bytes16, Bytes32, Many, NodeUrn, Pair
from byway.protocol.limits import MINUTE_MS
from byway.protocol.statement import LONGEST_LIFETIME_MS, Kind, Statement
from byway.protocol.urn import parse_urn

Role = Literal["client", "server"]

ROLES: Final[tuple[Role, Role]] = ("client", "server")  # the order of every pair in a hello


class Hello(Body):
    """What both ends have said so far, and which of them is speaking."""

    kind = Kind.HELLO

    role: Role
    versions: Pair[Many[Annotated[int, Field(ge=0)]]]
    nonces: Pair[Bytes16]
    nodes: Pair[NodeUrn]
    tls: Bytes32

    @property
    def key(self) -> bytes:
        """The key that has to sign: that of the node which is speaking."""
        return parse_urn(self.nodes[ROLES.index(self.role)], "node").key


def hello_body(
    role: Role,
    *,
    versions: tuple[Sequence[int], Sequence[int]],
    nonces: tuple[bytes, bytes],
    nodes: tuple[str, str],
    server_key: bytes,
) -> Hello:
    """The only right body of the hello of `role`; of each pair the client's comes first.

    `server_key` is the Ed25519 key in the server's certificate, as seen in this handshake.
    Raises `StatementError` if what the other end said in its Start cannot stand in a hello.
    """
    return Hello.from_wire(
        {
            "role": role,
            "versions": [list(listed) for listed in versions],
            "nonces": list(nonces),
            "nodes": list(nodes),
            "tls": blake2b(server_key, digest_size=32, person=b"byway/tls").digest(),
        }
    )


def make_hello(key: SigningKey, hello: Hello, *, now: int) -> Statement:
    """The hello statement by `key`, good for five minutes."""
    return hello.sign(key, created=now, expires=now + LONGEST_LIFETIME_MS[Kind.HELLO])


def check_hello(statement: Statement, expected: Hello, *, now: int) -> None:
    """Raise unless the node named in `expected` has signed exactly that, and it is current.

    That is a `StatementError`: `hello-mismatch`, or `clock-differs` for one that is good and of another time.
    """
    if statement.kind is not Kind.HELLO or statement.signer != expected.key:
        raise _mismatch("it is not by the node that the other end says it is")
    try:
        statement.verify()
    except StatementError as error:
        raise _mismatch(str(error)) from error
    if statement.body_bytes != canonical.encode(expected.wire()):
        raise _mismatch("it was made for another link")
    try:
        statement.check_times(now)
    except StatementError as error:
        minutes = abs(now - statement.created) // MINUTE_MS
        raise StatementError(
            f"the clocks of the two ends of this link are {minutes} minutes apart", code="clock-differs"
        ) from error


def _mismatch(why: str) -> StatementError:
    return StatementError(f"the hello does not belong to this link: {why}", code="hello-mismatch")
