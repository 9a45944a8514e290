"""A thousand lookups a second for names that nobody has, beside one who asks for a name that there is."""

from __future__ import annotations

from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import Refused
from byway.link.client import Client
from byway.protocol.limits import MAX_ADDRESSES, MAX_HOMES, MAX_LABEL_BYTES, MAX_TERMS
from byway.protocol.urn import node_urn
from tests.crash.router_process import RouterProcess
from tests.faults.authority_process import addressing_process, make_record
from tests.faults.crowds import LATENCY_MOST, crowd, resident_kb, slow_end
from tests.faults.honest_pair import witnessed_client
from tests.faults.stage import Stage

LINKS: Final = 8  # of each process
QUIET_S: Final = 2.0
MEASURED_S: Final = 5.0
EVERY_S: Final = 0.05
QUICK_MS: Final = 20.0  # five times less than this says little
WARM_S: Final = 7.0  # until Python has taken what memory it needs for so many links and frames
LEAST_PER_S: Final = 1000  # of 1,500 that are asked for
GROWN_KB: Final = 1024  # 5,000 more names that were remembered would be more
ANSWER_BYTES: Final = 16_384
LABEL: Final = "x" * MAX_LABEL_BYTES


async def many_lookups(stage: Stage) -> None:
    """What is not there is not remembered, what is there is answered in time, and no answer is without end."""
    async with addressing_process(stage.place("authority")) as authority:
        await authority.start()
        async with (
            stage.measuring(authority) as witness,
            witnessed_client(
                authority.at, SigningKey(stage.chance.randbytes(32)), witness, source="127.2.6.1"
            ) as client,
        ):
            topic = await _register(client, authority, stage)
            answer = await client.resolve(topic)
            stage.expect(len(answer) == MAX_HOMES + 2, f"{len(answer)} records came in an answer")
            size = sum(len(record.data) for record in answer)
            witness.note("measured", what="bytes of the largest answer", value=size, most=ANSWER_BYTES)
            await _hostile_names(client, stage)
            quiet = await _ask(client, topic, QUIET_S)
            async with crowd(authority, "lookups", LINKS) as flood:
                await trio.sleep(WARM_S)
                memory = resident_kb(authority.pid)
                busy = await _ask(client, topic, MEASURED_S)
                grown = resident_kb(authority.pid) - memory
            for what, value, most in (
                (
                    "latency of a lookup at the 99th of a hundred, times undisturbed",
                    busy / max(quiet, QUICK_MS),
                    LATENCY_MOST,
                ),
                ("kB that the authority grew by", grown, GROWN_KB),
                ("lookups a second that are missing", LEAST_PER_S - flood.per_s["not found"], 0),
                ("names that nobody has and that were found", flood.told["found"], 0),
            ):
                witness.note("measured", what=what, value=round(value, 2), most=most)
            stage.outcome.faults += 1
            stage.outcome.counts |= {
                "lookups": flood.told["not found"],
                "lookups a second": round(flood.per_s["not found"]),
                "kB that the authority grew by": grown,
                "bytes of the largest answer": size,
                "ms for a lookup, undisturbed": round(quiet),
                "ms for a lookup": round(busy),
            }


async def _ask(client: Client, topic: str, seconds: float) -> float:
    """Milliseconds for a name that there is, the slowest in a hundred."""
    took: list[float] = []
    ends = trio.current_time() + seconds
    while trio.current_time() < ends:
        began = trio.current_time()
        await client.resolve(topic)
        took.append(1000 * (trio.current_time() - began))
        await trio.sleep(EVERY_S)
    return slow_end(took)


async def _hostile_names(client: Client, stage: Stage) -> None:
    """Refused, and the link goes on."""
    for urn in ("urn:byway:topic:open:" + "a:" * 100_000, "x" * 900_000, "urn:byway:mailbox:" + "a" * 52, ""):
        try:
            await client.resolve(urn)
        except Refused as refusal:
            stage.expect(refusal.code == "bad-urn", f"{urn[:30]!r}... was refused as {refusal.code}")
        else:
            stage.expect(False, f"{urn[:30]!r}... was answered")


async def _register(client: Client, authority: RouterProcess, stage: Stage) -> str:
    """A topic with as much as its record may hold, and the nodes that it names; its URN."""
    keys = [SigningKey(stage.chance.randbytes(32)) for _ in range(MAX_HOMES + 1)]
    homes, messaging = [node_urn(bytes(key.verify_key)) for key in keys[:-1]], node_urn(bytes(keys[-1].verify_key))
    root = authority.at.node.rpartition(":")[2]
    topic = f"urn:byway:topic:{root}:homes:boston"
    terms = [f"urn:byway:terms:roster:{number}" for number in range(MAX_TERMS)]
    fields: dict[str, object] = {"homes": homes, "messaging": messaging, "terms": terms}
    made = [make_record(authority.key, topic, label=LABEL, **fields)]
    addresses = [f"{'a' * 60}.{'b' * 60}.example:{7400 + number}" for number in range(MAX_ADDRESSES)]
    for key in keys:
        node = node_urn(bytes(key.verify_key))
        made.append(make_record(key, node, role="router", addresses=addresses, label=LABEL))
    answers = await client.submit(made)
    refused = [answer.code for answer in answers if isinstance(answer, Refused)]
    stage.expect(not refused, f"records were refused: {refused}")
    return topic
