"""The minter: makes stamps beside the event loop, for whoever hands in at a busy node (wire-protocol section 8.8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import trio

from byway.protocol.limits import STAMP_NONCE_BYTES
from byway.protocol.stamp import Stamp, mint
from byway.protocol.statement import Statement

PIECE: Final = 8192  # tries between two looks at whether anybody still wants the stamp: some milliseconds


class Minter:
    """Makes stamps of up to `most_bits` bits.

    `random` gives the nonce to begin with: a node counts a nonce beside the same statement once, so that handing in
    again needs another one.
    """

    def __init__(self, most_bits: int, random: Callable[[int], bytes]) -> None:
        self._most_bits = most_bits
        self._random = random

    async def mint(self, statements: Sequence[Statement], node: bytes, bits: int) -> list[Stamp | None]:
        """A stamp of `bits` bits for each statement, in order, to hand in at the node with this key.

        There are none where so many bits are beyond `most_bits`, or where nothing is asked for (0), and none for the
        rest when `2 ** (most_bits + 2)` tries are used up.  The work is done in a thread; cancelling ends it within
        milliseconds.
        """
        stamps: list[Stamp | None] = [None] * len(statements)
        if not 0 < bits <= self._most_bits:
            return stamps
        left = 1 << self._most_bits + 2
        for position, statement in enumerate(statements):
            start = int.from_bytes(self._random(STAMP_NONCE_BYTES), "big")
            while left > 0 and stamps[position] is None:
                piece = partial(mint, node, statement.id, bits, start=start, tries=PIECE)
                stamps[position] = await trio.to_thread.run_sync(piece)
                start += PIECE
                left -= PIECE
        return stamps
