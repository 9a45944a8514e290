"""The collector: empties mailboxes, each over a link of the one key that it belongs to.

What came is in the vault before it is acked.  There may be more mailboxes than links at one time: then a link that has
brought nothing for a while is closed, and another mailbox gets its turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import structlog
import trio

from byway.errors import BywayError, LinkError, ProtocolError, Refused, StatementError
from byway.link.subscription import Subscription
from byway.node_address import NodeAddress
from byway.protocol.statement import Statement
from intentron.backoff import MOST_S, Backoff
from intentron.courier import Courier
from intentron.keys import Keys, Role
from intentron.node.quiet_start import QuietStart
from intentron.trouble import Trouble

log = structlog.get_logger()

MAX_LINKS: Final = 128  # at a time, with about 30 kB each here and there
QUIET_S: Final = 10.0

Take = Callable[[Statement, int], Awaitable[None]]


class Box(NamedTuple):
    """A mailbox: whose it is, as `Keys.signing` wants it, and the authority that keeps it."""

    role: Role
    subject: bytes
    place: NodeAddress


class Collector:
    """Collects for the whole node; one call of `collect` for each mailbox."""

    def __init__(self, keys: Keys, courier: Courier, quiet_start: QuietStart) -> None:
        self._keys = keys
        self._courier = courier
        self._quiet_start = quiet_start
        self._turns = trio.CapacityLimiter(MAX_LINKS)

    async def collect(self, box: Box, take: Take, mailbox: Callable[[], Awaitable[Statement | None]]) -> None:
        """Give all that comes to `take`, with its sequence, until cancelled.

        `take` returns when it is durable, or raises `StatementError` if it has to be refused.  If the authority does
        not know the mailbox any more, the statement that `mailbox` finds asks for it again.
        """
        await self._quiet_start.wait()
        backoff = Backoff(self._courier.random)
        trouble = Trouble("collecting", at=str(box.place))
        while True:
            began = trio.current_time()
            try:
                async with (
                    self._turns,
                    self._courier.collect(box.place, self._keys.signing(box.role, box.subject)) as subscription,
                ):
                    trouble.over()
                    await self._empty(subscription, take)
                continue
            except (LinkError, ProtocolError, Refused) as error:
                trouble.met(error)
                if error.code == "mailbox-unknown":
                    await self._ask_again(box, await mailbox())
            if trio.current_time() - began > MOST_S:
                backoff.reset()
            await trio.sleep(backoff.next_s())

    async def _empty(self, subscription: Subscription, take: Take) -> None:
        """Take what comes; return when nothing comes and others wait for a link."""
        while True:
            delivery = None
            with trio.move_on_after(QUIET_S):
                delivery = await subscription.receive()
            if delivery is None:
                if self._turns.statistics().tasks_waiting:
                    return
                continue
            try:
                await take(delivery.statement, delivery.sequence)
            except StatementError as error:
                log.warning("arrival_refused", code=error.code, reason=str(error))
                subscription.refuse(delivery, error.code)
            else:
                subscription.ack(delivery)

    async def _ask_again(self, box: Box, mailbox: Statement | None) -> None:
        if mailbox is None:
            return
        try:
            await self._courier.submit(box.place, self._keys.signing(box.role, box.subject), [mailbox])
        except BywayError as error:
            log.info("mailbox_not_renewed", at=str(box.place), code=error.code, reason=str(error))
