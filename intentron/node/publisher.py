"""The publisher: brings each new cast out, first its mailbox and then the cast, over links of the cast's own key."""

from __future__ import annotations

import structlog
import trio

from byway.errors import BywayError, LinkError, Refused, SetupError
from byway.node_address import NodeAddress
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement
from intentron.backoff import Backoff
from intentron.courier import Courier
from intentron.keys import Keys
from intentron.node.bell import keep_each
from intentron.node.expiry import expire
from intentron.node.memory import About, Memory
from intentron.node.placing import OTHER_NODE, Placing
from intentron.node.quiet_start import QuietStart
from intentron.node.waits import Waits
from intentron.trouble import Trouble
from intentron.vault import CastState, OwnCast, Vault

log = structlog.get_logger()


class Publisher:
    """One task for each cast that no router has signed for yet.

    Cancelling it anywhere is safe: the bytes are in the vault, and handing them in again gives the first receipt.
    """

    def __init__(
        self,
        memory: Memory,
        keys: Keys,
        courier: Courier,
        placing: Placing,
        *,
        waits: Waits,
        quiet_start: QuietStart,
    ) -> None:
        self._memory = memory
        self._keys = keys
        self._courier = courier
        self._placing = placing
        self._waits = waits
        self._quiet_start = quiet_start

    async def run(self) -> None:
        """Publish until cancelled."""
        await keep_each(self._drafts, self._publish, self._memory.bell(About.CASTS))

    async def _drafts(self) -> list[bytes]:
        return await self._memory.look(lambda vault: [cast.id for cast in vault.casts.all(CastState.DRAFT)])

    async def _publish(self, cast_id: bytes) -> None:
        await self._quiet_start.wait()
        cast = await self._memory.look(lambda vault: vault.casts[cast_id])
        backoff = Backoff(self._courier.random)
        try:
            while True:
                cast = await self._place(cast)
                if cast.id != cast_id:
                    return  # another task publishes what it is now
                try:
                    receipt = await self._hand_in(cast)
                except Refused as refusal:
                    if refusal.code not in OTHER_NODE:
                        raise
                else:
                    break
                await trio.sleep(backoff.next_s())
        except Refused as error:
            now, final = self._courier.now_ms(), error
            if cast.statement.expires <= now:
                await self._memory.change(lambda vault: expire(vault, now), About.CASTS)
                return
            if await self._memory.change(lambda vault: _refuse(vault, cast_id, final, now), About.CASTS):
                log.warning("cast_refused", cast=cast.name, code=final.code, reason=str(final))
        else:
            log.info("cast_published", cast=cast.name, router=str(cast.router))
            await self._memory.change(
                lambda vault: _accept(vault, cast_id, receipt, self._courier.now_ms()), About.CASTS
            )
        finally:
            self._waits.end(cast_id)

    async def _place(self, cast: OwnCast) -> OwnCast:
        """The cast with a router and an authority, as soon as somebody can say which."""
        backoff = Backoff(self._courier.random)
        trouble = Trouble("placing", cast=cast.name)
        while cast.statement.expires > self._courier.now_ms():
            try:
                placed = await self._placing.place(cast)
            except (LinkError, SetupError) as error:
                trouble.met(error)
                self._waits.put(cast.id, error, self._placing.next_step(error))
            else:
                trouble.over()
                return placed
            await trio.sleep(backoff.next_s())
        raise Refused("expired", "it has expired before anybody could say where it goes")

    async def _hand_in(self, cast: OwnCast) -> Receipt:
        authority, router = cast.authority, cast.router
        if authority is None or router is None:
            raise ValueError(f"{cast.name} is not placed")
        if not cast.mailbox_accepted:
            await self._hand_in_at(authority, cast, cast.mailbox)
            await self._memory.change(lambda vault: vault.casts.record_mailbox(cast.id))
        return await self._hand_in_at(router, cast, cast.statement)

    async def _hand_in_at(self, place: NodeAddress, cast: OwnCast, statement: Statement) -> Receipt:
        def failed(error: BywayError) -> None:
            self._waits.put(cast.id, error, self._placing.next_step(error, place))

        async def before() -> None:
            if not cast.sent and not await self._memory.change(lambda vault: vault.casts.record_sending(cast.id)):
                raise Refused("closed", f"{cast.name} was taken back")

        key = self._keys.cast(cast.salt)
        try:
            return await self._courier.hand_in(place, key, statement, before=before, on_failure=failed)
        except Refused as error:
            failed(error)
            raise


def _accept(vault: Vault, cast_id: bytes, receipt: Receipt, now: int) -> None:
    vault.casts.record_receipt(cast_id, receipt.to_bytes())
    vault.events.add("cast_published", now=now, cast=vault.casts[cast_id].name)


def _refuse(vault: Vault, cast_id: bytes, refusal: Refused, now: int) -> bool:
    refused = vault.casts.record_refusal(cast_id, refusal.code, str(refusal))
    if refused:
        name = vault.casts[cast_id].name
        vault.events.add("cast_refused", now=now, cast=name, code=refusal.code, reason=str(refusal))
    return refused
