"""What is wrong with the evidence: each fault a sentence, and none if the router has kept its word.

The checker believes nobody.  It has its own reading of heads, paths and matching, verifies with another library than
the router does, and looks into the store when the router has ended.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import apsw
import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from byway.protocol.frames import Acked, Deliver, Subscribed
from tests.crash.evidence import Evidence, Heard, wants

LATE_MS: Final = 1000  # from the router's decision to the subscriber's note of it, on a busy machine
HEAD_KIND: Final = 5
HEADER_BYTES, SIGNATURE_BYTES, CHECK_BYTES = 56, 64, 4


def faults(evidence: Evidence, node_key: bytes, store: Path) -> list[str]:
    """Everything that should not be, once the router has been stopped."""
    return [
        *evidence.surprises,
        *_attempts(evidence),
        *_promises(evidence, node_key),
        *_deliveries(evidence),
        *itertools.chain.from_iterable(_redeliveries(sub, heard) for sub, heard in evidence.heard.items()),
        *_chain(evidence, node_key),
        *_store(evidence, store),
    ]


def _attempts(evidence: Evidence) -> Iterator[str]:
    answered = {cast for cast, _ in (*evidence.receipts, *evidence.refusals)}
    for cast in evidence.attempts.keys() - answered:
        yield f"{_name(cast)} got neither a receipt nor a refusal"
    for cast, refusal in evidence.refusals:
        if refusal.code != "expired" or evidence.attempts[cast].expires > evidence.now_ms():
            yield f"{_name(cast)} was refused: {refusal} ({refusal.code})"


def _promises(evidence: Evidence, node_key: bytes) -> Iterator[str]:
    first = {cast: receipt.sequence for cast, receipt in reversed(evidence.receipts)}
    for cast, receipt in evidence.receipts:
        if receipt.sequence != first[cast]:
            yield f"{_name(cast)} has receipts for two sequences"
        head = _read_head(receipt.head.data, node_key)
        if head is None:
            yield f"the receipt of {_name(cast)} is not signed by the router"
        elif not _is_in_commit(cast, receipt.sequence, head, receipt.path):
            yield f"the receipt of {_name(cast)} does not prove that the commit holds it"
    for sub, cast in evidence.missing():
        yield f"{_name(cast)} has a receipt and never came to {sub}"
    for wish in evidence.wishes:
        for cast, times in evidence.effects(wish.sub).items():
            if times > 1:
                yield f"{_name(cast)} took effect {times} times at {wish.sub}"


def _deliveries(evidence: Evidence) -> Iterator[str]:
    wishes = {wish.sub: wish for wish in evidence.wishes}
    for sub, heard in evidence.heard.items():
        for item in heard:
            if not isinstance(item.frame, Deliver):
                continue
            for entry in item.frame.entries:
                cast = _statement_id(entry.statement)
                attempt = evidence.attempts.get(cast)
                if attempt is None:
                    yield f"{sub} was brought {_name(cast)}, which nobody published"
                elif attempt.data != entry.statement:
                    yield f"{sub} was brought other bytes for {_name(cast)}"
                elif not wants(wishes[sub], attempt):
                    yield f"{sub} was brought {_name(cast)}, for which it did not ask"
                elif item.at_ms > attempt.expires + LATE_MS:
                    yield f"{sub} was brought {_name(cast)} {item.at_ms - attempt.expires} ms after it expired"


def _redeliveries(sub: str, heard: Sequence[Heard]) -> Iterator[str]:
    """In one epoch nothing comes again that the router has confirmed to be acked; epochs grow."""
    epoch = through = 0
    for item in heard:
        match item.frame:
            case Subscribed(epoch=begun):
                if begun <= epoch:
                    yield f"{sub} began epoch {begun} after {epoch}"
                epoch, through = begun, 0
            case Acked(epoch=of) as frame if of == epoch:
                through = max(through, frame.through)
            case Deliver() as frame:
                again = [entry.sequence for entry in frame.entries if entry.sequence <= through]
                if again:
                    yield f"{sub} was brought {again} again in epoch {epoch}, after {through} was confirmed"


def _chain(evidence: Evidence, node_key: bytes) -> Iterator[str]:
    """All heads that anybody was shown are of one chain."""
    heads = [(data, _read_head(data, node_key)) for data in evidence.heads]
    by_size: dict[int, tuple[bytes, dict[str, Any]]] = {}
    for data, head in heads:
        if head is None:
            yield "a head is not signed by the router"
        elif by_size.setdefault(head["size"], (data, head))[0] != data:
            yield f"two heads of size {head['size']} contradict each other"
    for (size, (data, head)), (later_size, (_, later)) in itertools.pairwise(sorted(by_size.items())):
        if head["chain"] != later["chain"]:
            yield f"the heads of size {size} and {later_size} are of two chains"
        if later_size == size + 1 and later.get("previous") != _statement_id(data):
            yield f"the head of size {later_size} does not name the one before it"
        if later["first"] < head["first"] + head["count"]:
            yield f"the heads of size {size} and {later_size} claim the same sequences"


def _store(evidence: Evidence, store: Path) -> Iterator[str]:
    """The store is sound, goes on from head to head, and holds what was promised and what was shown."""
    connection = apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        if connection.pragma("integrity_check") != "ok":
            yield "the store is damaged"
        stored: dict[int, bytes] = {}
        previous, next_first = None, 1
        for size, first, count, kept in connection.execute("SELECT number, first, count, head FROM commits ORDER BY 1"):
            unsigned = kept[:-CHECK_BYTES]
            head = msgpack.unpackb(unsigned[HEADER_BYTES:])
            if (head["size"], head["first"], head["count"], head.get("previous")) != (size, first, count, previous):
                yield f"the stored head of size {size} does not follow the one before it"
            if first != next_first or size != len(stored) + 1:
                yield f"the store has a gap before commit {size}"
            previous, next_first, stored[size] = _id_of(unsigned), first + count, unsigned
        shown = {data[:-SIGNATURE_BYTES] for data in evidence.heads}
        for data in shown - set(stored.values()):
            yield f"the head of size {msgpack.unpackb(data[HEADER_BYTES:])['size']} was shown and is not in the store"
        journal = Counter(kept[:-CHECK_BYTES] for (kept,) in connection.execute("SELECT data FROM journal"))
        for data, times in journal.items():
            if times > 1:
                yield f"{_name(_statement_id(data))} is in the store {times} times"
        for cast in evidence.promised():
            if evidence.attempts[cast].data not in journal:
                yield f"{_name(cast)} has a receipt and is not in the store"
    finally:
        connection.close()


def _read_head(data: bytes, node_key: bytes) -> dict[str, Any] | None:
    """The body of a head that the node has signed."""
    signed, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    domain = (b"byway/1/statement/" + bytes([HEAD_KIND])).ljust(32, b"\0")
    try:
        Ed25519PublicKey.from_public_bytes(node_key).verify(signature, domain + signed)
    except InvalidSignature:
        return None
    if signed[3] != HEAD_KIND or signed[4:36] != node_key:
        return None
    body: dict[str, Any] = msgpack.unpackb(signed[HEADER_BYTES:])
    return body


def _is_in_commit(cast: bytes, sequence: int, head: dict[str, Any], path: Sequence[bytes]) -> bool:
    """RFC 9162, section 2.1.3.2."""
    index, last = sequence - head["first"], head["count"] - 1
    if not 0 <= index <= last:
        return False
    found = _hash(b"\0" + sequence.to_bytes(8, "big") + cast)
    for sibling in path:
        if last == 0:
            return False
        if index % 2 or index == last:
            found = _hash(b"\1" + sibling + found)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            found = _hash(b"\1" + found + sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and found == bytes(head["root"])


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=32, person=b"byway/journal").digest()


def _statement_id(data: bytes) -> bytes:
    return _id_of(data[:-SIGNATURE_BYTES])


def _id_of(unsigned: bytes) -> bytes:
    return blake2b(unsigned, digest_size=32, person=b"byway/statement").digest()


def _name(cast: bytes) -> str:
    return f"cast {cast.hex()[:12]}"
