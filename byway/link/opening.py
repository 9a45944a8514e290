"""The opening: both ends say who they are, and sign it for this link alone (wire-protocol section 8.3)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final, TypeVar, cast

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, RemoteProtocolError, StatementError
from byway.link.link import Link
from byway.protocol.connection import Role
from byway.protocol.fields import NONCE_BYTES
from byway.protocol.frames import Frame, Hello, Start
from byway.protocol.hello import Hello as HelloBody
from byway.protocol.hello import check_hello, hello_body, make_hello
from byway.protocol.statement import parse_statement
from byway.protocol.urn import node_urn, parse_urn

VERSIONS: Final = (1,)

Clock = Callable[[], int]  # Unix milliseconds
Random = Callable[[int], bytes]  # that many unguessable bytes

FrameKind = TypeVar("FrameKind", bound=Frame)


async def open_as_client(
    stream: trio.abc.Stream,
    *,
    node: str,
    key: SigningKey,
    server_key: bytes,
    now_ms: Clock,
    random: Random,
    deadline: float,
) -> Link:
    """A link over `stream` to the node with the URN `node`, speaking for `key`.

    `server_key` is the key in the server's certificate; `deadline` is in trio's time.  Raises `LinkError`
    (`wrong-key`, `hello-timeout`, the code of the peer's Bye) or `RemoteProtocolError` (`hello-mismatch`,
    `version-unsupported` ...).  However it fails, and if it is cancelled, the stream is closed.
    """
    link = Link(stream, Role.CLIENT, key=key, now_ms=now_ms)
    own = Start(VERSIONS, node_urn(bytes(key.verify_key)), random(NONCE_BYTES))
    return await _opened(link, deadline, _meet_server(link, own, node, server_key))


async def open_as_server(
    stream: trio.abc.Stream,
    *,
    key: SigningKey,
    now_ms: Clock,
    random: Random,
    deadline: float,
) -> Link:
    """A link over `stream` with whoever opened it, to be begun with a Credit.  Fails as `open_as_client` does."""
    link = Link(stream, Role.SERVER, key=key, now_ms=now_ms)
    server_key = bytes(key.verify_key)
    own = Start(VERSIONS, node_urn(server_key), random(NONCE_BYTES))
    return await _opened(link, deadline, _meet_client(link, own, server_key))


def too_late() -> LinkError:
    """What is wrong with an end that has not said in time who it is."""
    return LinkError("the other end took too long to say who it is", code="hello-timeout")


async def _opened(link: Link, deadline: float, meet: Coroutine[None, None, bytes]) -> Link:
    """`link`, once `meet` has found out the key of the other end; closed, and the other end told why, if it fails."""
    try:
        with trio.move_on_at(deadline):
            link.peer = await meet
            return link
        raise too_late()
    except StatementError as error:
        code = "clock-differs" if error.code == "clock-differs" else "hello-mismatch"
        await link.aclose(code, str(error))
        raise RemoteProtocolError(str(error), code=code) from error
    except (LinkError, RemoteProtocolError) as error:
        await link.aclose(error.code, str(error))
        raise
    except BaseException:
        await link.aclose()
        raise


async def _meet_server(link: Link, own: Start, node: str, server_key: bytes) -> bytes:
    await link.send(own)
    start = await _expect(link, Start)
    if start.node != node:
        raise LinkError(f"{start.node} answered instead of {node}", code="wrong-key")
    ours, theirs = _agree(client=own, server=start, server_key=server_key)
    hello = await _expect(link, Hello)
    check_hello(parse_statement(hello.statement), theirs, now=link.now_ms())
    await link.send(Hello(make_hello(link.key, ours, now=link.now_ms()).data))
    return parse_urn(node, "node").key


async def _meet_client(link: Link, own: Start, server_key: bytes) -> bytes:
    start = await _expect(link, Start)
    theirs, ours = _agree(client=start, server=own, server_key=server_key)
    await link.send_many([own, Hello(make_hello(link.key, ours, now=link.now_ms()).data)])
    hello = await _expect(link, Hello)
    check_hello(parse_statement(hello.statement), theirs, now=link.now_ms())
    return theirs.key


def _agree(*, client: Start, server: Start, server_key: bytes) -> tuple[HelloBody, HelloBody]:
    """What the client's hello has to say, and the server's.

    Raises `RemoteProtocolError` (`version-unsupported`) if no version is in both lists.
    """
    if not set(client.versions) & set(server.versions):
        sentence = f"the client speaks versions {client.versions} and the server {server.versions}"
        raise RemoteProtocolError(sentence, code="version-unsupported")
    hello_of = partial(
        hello_body,
        versions=(client.versions, server.versions),
        nonces=(client.nonce, server.nonce),
        nodes=(client.node, server.node),
        server_key=server_key,
    )
    return hello_of("client"), hello_of("server")


async def _expect(link: Link, _: type[FrameKind]) -> FrameKind:
    """The next frame, which is of this kind: the connection's table lets no other through."""
    frame, *others = await link.receive()
    link.put_back(others)
    return cast("FrameKind", frame)
