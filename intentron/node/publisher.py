"""The publisher: brings each new cast out, first its mailbox and then the cast, over links of the cast's own key."""

from __future__ import annotations

from functools import partial

import structlog

from byway.errors import Refused
from byway.protocol.receipt import Receipt
from intentron.courier import Courier
from intentron.keys import Keys
from intentron.node.bell import keep_each
from intentron.node.memory import About, Memory
from intentron.node.quiet_start import QuietStart
from intentron.node.waits import Waits
from intentron.vault import CastState, Vault

log = structlog.get_logger()


class Publisher:
    """One task for each cast that no router has signed for yet.

    Cancelling it anywhere is safe: the bytes are in the vault, and handing them in again gives the first receipt.
    """

    def __init__(self, memory: Memory, keys: Keys, courier: Courier, waits: Waits, quiet_start: QuietStart) -> None:
        self._memory = memory
        self._keys = keys
        self._courier = courier
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
        key = self._keys.cast(cast.salt)
        hand_in = partial(self._courier.hand_in, key=key, on_failure=lambda error: self._waits.put(cast_id, error))
        try:
            if not cast.mailbox_accepted:
                await hand_in(cast.authority, statement=cast.mailbox)
                await self._memory.change(lambda vault: vault.casts.record_mailbox(cast_id))
            receipt = await hand_in(cast.router, statement=cast.statement)
        except Refused as refusal:
            log.warning("cast_refused", cast=cast.name, code=refusal.code, reason=str(refusal))
            code = refusal.code
            await self._memory.change(lambda vault: _refuse(vault, cast_id, code, self._courier.now_ms()), About.CASTS)
        else:
            log.info("cast_published", cast=cast.name, router=str(cast.router))
            await self._memory.change(
                lambda vault: _accept(vault, cast_id, receipt, self._courier.now_ms()), About.CASTS
            )
        finally:
            self._waits.end(cast_id)


def _accept(vault: Vault, cast_id: bytes, receipt: Receipt, now: int) -> None:
    vault.casts.record_receipt(cast_id, receipt.to_bytes())
    vault.events.add("cast_published", now=now, cast=vault.casts[cast_id].name)


def _refuse(vault: Vault, cast_id: bytes, code: str, now: int) -> None:
    if vault.casts.record_refusal(cast_id, code):
        vault.events.add("cast_refused", now=now, cast=vault.casts[cast_id].name, code=code)
