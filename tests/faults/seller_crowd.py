"""Sellers in a process of their own, who offer one buyer more than she asked for, all at the same time:
`python -m tests.faults.seller_crowd ADDRESS NODE FOLDER BUYER OFFERS SELLERS BY_EACH`.

They run at a lower priority.  They would otherwise take the two cores from the authority and from the honest sellers,
with which they share them, for what real sellers do on computers of their own: making keys and offers.

One of them has OFFERS, and then says the first one again; SELLERS have BY_EACH.  BUYER is the URN of her mailbox, and
their evidence is in FOLDER.  Prints a line when they begin, and at the end what they were told: counts, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import trio

from byway.node_address import NodeAddress
from byway.protocol.urn import parse_urn
from tests.checker.evidence import SystemClock, Witness
from tests.crash.parties import seeded
from tests.faults.crowd import NICENESS
from tests.faults.sellers import Sellers, new_key

SOURCE = "127.2.3.1"


async def sell(crowd: Sellers, buyer: bytes, offers: int, sellers: int, by_each: int) -> None:
    """All of it, until each offer has its answer."""
    one = new_key(seeded(os.urandom(8).hex()))
    made = crowd.one_sellers_offers(one, buyer, offers)
    again = crowd.one_sellers_offers(one, buyer, 1)
    _say("there")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.many_sellers, buyer, sellers, by_each)
        await crowd.offer(one, made)
        await crowd.offer(one, again)


def main(arguments: Sequence[str]) -> None:
    address, node, folder, buyer, *numbers = arguments
    os.nice(NICENESS)
    offers, sellers, by_each = map(int, numbers)
    with Witness(Path(folder), "sellers", SystemClock(), role="publisher") as witness:
        crowd = Sellers(NodeAddress(node, address), witness, seeded(os.urandom(8).hex()), source=SOURCE)
        trio.run(sell, crowd, parse_urn(buyer, "mailbox").key, offers, sellers, by_each)
    _say(json.dumps({"handed in": crowd.handed_in} | crowd.refused))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
