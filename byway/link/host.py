"""The host: serves one link over each stream it is given, and lets no fault of one reach another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import structlog
import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, RemoteProtocolError
from byway.link.door import Door
from byway.link.link import Link
from byway.link.opening import Clock, Random, open_as_server, too_late
from byway.protocol.connection import Role
from byway.protocol.limits import HELLO_TIMEOUT_S

BUSY_RETRY_AFTER_MS: Final = 10_000

Serve = Callable[[Link], Awaitable[None]]
Secure = Callable[[], Awaitable[trio.abc.Stream]]

log = structlog.get_logger()


class Host:
    """Serves links with `serve`, as many as `door` lets be open at one time; further ones get Bye `busy`."""

    def __init__(self, serve: Serve, *, key: SigningKey, now_ms: Clock, random: Random, door: Door) -> None:
        self._serve = serve
        self._key = key
        self._now_ms = now_ms
        self._random = random
        self.door = door
        self._links: set[Link] = set()
        self._stopping = False

    async def welcome(
        self, secure: Secure, prefix: str, release: Callable[[], object], stay: trio.CancelScope | None = None
    ) -> None:
        """Make a stream with `secure`, open a link over it, call `release`, and serve the link until it ends.

        `prefix` is the address prefix that it comes from.  `stay` is how long it may take until there is a link: to
        its deadline, by default five seconds for TLS and hello together, and until somebody cancels it.  Whatever
        goes wrong is logged once and raised never.  Cancelling it closes the link with Bye.
        """
        try:
            try:
                stay = stay or trio.CancelScope(deadline=trio.current_time() + HELLO_TIMEOUT_S)
                link = await self._open(secure, prefix, stay)
            finally:
                release()
            if link is not None:
                await self._host(link)
        except* Exception as faults:  # noqa: BLE001 - one link's fault is its own
            _report(faults, prefix)

    async def stop(self) -> None:
        """Say Bye `shutting-down` on every link, and on those that are still being opened."""
        self._stopping = True
        async with trio.open_nursery() as nursery:
            for link in self._links:
                nursery.start_soon(link.aclose, "shutting-down")

    async def _open(self, secure: Secure, prefix: str, stay: trio.CancelScope) -> Link | None:
        stream: trio.abc.Stream | None = None
        with stay:
            stream = await secure()
        if stream is not None:  # else the opening would be cut off where it should say Bye
            return await self._hear_out(stream, prefix, stay.deadline)
        if trio.current_time() >= stay.deadline:
            raise too_late()
        return None  # it may not stay, and whoever says so knows why

    async def _hear_out(self, stream: trio.abc.Stream, prefix: str, deadline: float) -> Link | None:
        if not self.door.open(prefix):
            log.warning("link_refused", code="busy", links=self.door.links, prefix=prefix)
            await Link(stream, Role.SERVER, key=self._key, now_ms=self._now_ms).aclose(
                "busy", "this node serves as many links as it can", BUSY_RETRY_AFTER_MS
            )
            return None
        try:
            link = await open_as_server(
                stream, key=self._key, now_ms=self._now_ms, random=self._random, deadline=deadline
            )
        except BaseException:
            self.door.close(prefix)
            raise
        link.prefix = prefix
        return link

    async def _host(self, link: Link) -> None:
        self._links.add(link)
        try:
            async with trio.open_nursery() as nursery:
                link.keep_alive(nursery)
                try:
                    if not self._stopping:
                        await self._serve(link)
                finally:
                    await link.aclose()
                nursery.cancel_scope.cancel()
        finally:
            self._links.remove(link)
            self.door.close(link.prefix)


def _report(faults: BaseExceptionGroup[Exception], prefix: str) -> None:
    """One line: what a peer did without a traceback, what we did with one."""
    theirs, ours = faults.split((LinkError, RemoteProtocolError))
    if ours is not None:
        log.error("link_failed", prefix=prefix, exc_info=ours)
    elif theirs is not None:
        error = next(_leaves(theirs))
        told = {"code": getattr(error, "code", ""), "sentence": str(error), "prefix": prefix}
        if isinstance(error, RemoteProtocolError):
            log.info("link_refused", **told)
        else:
            log.debug("link_ended", **told)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
