"""Links are broken off after every byte of every frame: no part of a frame is acted on, and all that was whole is.

For each frame that a client says, from no byte of it to all but the last one, a link is brought to where the frame is
allowed; so much of it goes through TLS, in one write with a whole frame before it whose answer is waited for.  Then
the client goes without a word, and nothing that the frame asks for may be in the store.  Of a frame that leaves nothing
there only the link can tell: somebody else has the router deliver on it, and this has to be what comes next.  In the
opening there is nothing to deliver: the client says by a FIN that this was all, and the router may say nothing until it
ends the link, too.  For each frame that a client hears, it goes after it has read so many bytes of it; the router has
said all of it by then and cannot tell which.

Each frame goes whole once, too, and then has to do what no part of it may do.

Each byte of all these frames is cut once, or as often as the case is asked to; a Submit and a Deliver are those of one
cast.  Some frames are not here.  A router asks for Stamps only when it has more to do than it can, so that this one is
cut in tests/fuzz/test_cut_connections.py alone, and what a client's Pong does nobody can see.  No router says Answer:
an addressing authority beside it does.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from typing import Final

import trio
from nacl.signing import SigningKey

from tests.checker.evidence import SystemClock, Witness
from tests.checker.stores import read_store
from tests.checker.tally import Tally
from tests.checker.witnesses import Effects
from tests.crash.market import Market
from tests.crash.router_process import RouterProcess
from tests.faults.authority_process import addressing_process
from tests.faults.cut_frames import PART, SUB, Kept, Names, Scenes
from tests.faults.cut_trials import Cutter, trials
from tests.faults.honest_pair import witnessed_client
from tests.faults.peers import open_files
from tests.faults.stage import Stage, comes_true

SEQUENCE_BYTES: Final = 8  # of one that is acked beyond the cursor, in the store; there are a few bytes of a check, too
SHOWN: Final = 8  # bytes
BEFORE: Final = 300  # receipts: sequences are three bytes long from then on
SERVED_WITHIN_S: Final = 5.0
LOOKS: Final = 20  # at the descriptors of a router with nothing but a market
LOOK_EVERY_S: Final = 0.1
BACK_WITHIN_S: Final = 10.0
WATCH: Final = "watch"
BAD_LINES: Final = ("link_failed", "statement_failed", "crashed", "internal-error")  # of a log


async def cut_at_every_byte(stage: Stage) -> None:
    """A link is cut at every byte of every frame, `stage.times` times, mostly by a FIN and a reset in turn."""
    async with RouterProcess(stage.folder) as router, addressing_process(stage.place("authority")) as authority:
        await router.start()
        await authority.start()
        async with stage.market(router, publishers=1) as market:
            with Witness(market.evidence, "cutting", SystemClock(), role="publisher and subscriber") as witness:
                scenes = await _cut_all(stage, router, authority, market, witness)
        stage.expect(await authority.stop() == 0, "the authority did not stop as it should")
        log = router.errors() + authority.errors()
        stage.expect("Traceback" not in authority.errors(), "the authority wrote a traceback")
        for word in BAD_LINES:
            stage.expect(word not in log, f"a node wrote {word} into its log")
        _judge_store(stage, router, scenes)


async def _cut_all(
    stage: Stage, router: RouterProcess, authority: RouterProcess, market: Market, witness: Witness
) -> Scenes:
    key = SigningKey(stage.chance.randbytes(32))
    effects = Effects(witness, router.at.node, bytes(key.verify_key), WATCH, came := set[bytes]())
    async with (
        witnessed_client(router.at, key, witness, source="127.2.7.1") as hand,
        witnessed_client(authority.at, key, witness, source="127.2.7.1") as other_hand,
        hand.subscribe(WATCH, PART, from_="now") as watch,
    ):
        scenes = Scenes(router.at.node, hand, witness, stage.chance)
        names = Names(authority.at.node, authority.key, other_hand)
        await scenes.begin()
        await names.begin()
        stage.expect(await market.load(BEFORE, 4 * SERVED_WITHIN_S) > 0, "nobody was served before")
        most = {each: await _most_files(each) for each in (router, authority)}
        async with trio.open_nursery() as nursery:

            async def take() -> None:
                async for delivery in watch:
                    effects.take(watch, delivery)

            nursery.start_soon(take)
            await Cutter(stage, scenes).cut(trials(scenes, names, router.at, authority.at))
            for each, files in most.items():
                back = await comes_true(partial(_has_at_most, each, files), BACK_WITHIN_S)
                stage.expect(back, f"{open_files(each.pid) - files} descriptors of links that were cut are left")
            await comes_true(lambda: came >= scenes.tried, SERVED_WITHIN_S)
            nursery.cancel_scope.cancel()
        await watch.settled()
        stage.expect(came == scenes.tried, f"{len(came)} casts came where {len(scenes.tried)} went whole")
        stage.expect(await market.load(1, SERVED_WITHIN_S) > 0, "nobody was served beside them")
    return scenes


async def _most_files(node: RouterProcess) -> int:
    """How many descriptors it has while nothing is cut; those of a market come and go."""
    seen = [open_files(node.pid)]
    for _ in range(LOOKS):
        await trio.sleep(LOOK_EVERY_S)
        seen.append(open_files(node.pid))
    return max(seen)


def _has_at_most(node: RouterProcess, files: int) -> bool:
    return open_files(node.pid) <= files


def _judge_store(stage: Stage, router: RouterProcess, scenes: Scenes) -> None:
    """What was cut is not there, and what was whole is."""
    ids = set(read_store(router.store, Tally("I14", "store health")).ids.values())
    stage.expect(not (ids & scenes.never), f"{len(ids & scenes.never)} casts are stored whose Submit was cut")
    lost = scenes.whole - ids
    stage.expect(not lost, f"{len(lost)} casts are not stored whose Submit was whole")
    with closing(sqlite3.connect(router.store)) as connection:
        query = "SELECT key, pattern, through, also FROM subscriptions JOIN cursors USING (key, sub) WHERE sub = ?"
        rows = {key: (pattern, through, also) for key, pattern, through, also in connection.execute(query, [SUB])}
    wrong = [
        f"{row and row[:2]} instead of {kept}"
        for key, kept in scenes.kept.items()
        if not is_kept(kept, row := rows.get(key))
    ]
    stage.outcome.checked += len(scenes.kept)
    stage.expect(not wrong, f"{len(wrong)} subscriptions are not what was asked for: {wrong[:SHOWN]} ...")


def is_kept(kept: Kept | None, row: tuple[str, int, bytes] | None) -> bool:
    """Whether the row in the store (pattern, cursor, what is acked beyond it) is what has to be there, if any is."""
    if kept is None or row is None:
        return kept is None and row is None
    pattern, through, also = row
    return pattern == kept.pattern and kept.least <= through <= kept.most and len(also) < SEQUENCE_BYTES
