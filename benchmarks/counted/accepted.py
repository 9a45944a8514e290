"""From the frame in which a cast comes to the frame that has its receipt."""

from __future__ import annotations

from collections.abc import Sequence

from nacl.bindings import crypto_sign_open
from nacl.signing import SigningKey

from benchmarks.counted.account import Account, Part
from benchmarks.counted.opened import open_connections
from benchmarks.load.prepared import TOPIC
from benchmarks.load.stored import FilledStore
from benchmarks.router_process import router_folder
from byway.clock import now_ms
from byway.protocol.frames import Accepted, Proof, Submit
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement, is_signed, parse_statement
from byway.protocol.urn import KEY_BYTES
from byway.router.policy import Admitted, RouterPolicy, Source
from byway.store.store import Entry


def verify(account: Account, casts: Sequence[Statement]) -> None:
    """By libsodium alone, with nothing of ours around it; and as the router does."""
    key = SigningKey(bytes(32))
    public = bytes(key.verify_key)
    signed = [bytes(key.sign(cast.data)) for cast in casts]
    account.count(Part.LIBSODIUM, lambda message: crypto_sign_open(message, public), signed)
    account.count(Part.VERIFY, is_signed, [cast.data for cast in casts])


def read(account: Account, casts: Sequence[Statement]) -> list[Admitted]:
    """From bytes to what may be committed, but for the signature."""
    policy, source, now = RouterPolicy(bytes(KEY_BYTES)), Source(bytes(KEY_BYTES)), now_ms()
    admitted: list[Admitted] = []

    def admit(data: bytes) -> None:
        statement = parse_statement(data)
        statement.check_times(now)
        admitted.append(policy.admit(statement, source))

    account.count(Part.READ, admit, [cast.data for cast in casts])
    return admitted


def accept(account: Account, batches: Sequence[Sequence[Statement]], parts: tuple[Part, Part, Part]) -> None:
    """Each batch comes in one frame, is committed at once, and is answered in one frame: those are the `parts`."""
    frame, commit, answer = parts
    each = len(batches[0])
    client, server = open_connections()
    submits = [
        client.send(Submit(number, tuple([(cast.data, None) for cast in batch])))
        for number, batch in enumerate(batches)
    ]
    account.count(frame, server.receive, submits, each=each)

    receipts: list[list[Receipt]] = []
    with router_folder() as folder, FilledStore(folder) as filled:

        def store(batch: Sequence[Entry]) -> None:
            receipts.append(filled.commit(batch))

        account.count(commit, store, [[_entry(cast) for cast in batch] for batch in batches], each=each)

    def accepted(batch: int) -> None:
        (head,) = {receipt.head.data for receipt in receipts[batch]}
        proofs = tuple([Proof(0, receipt.sequence, receipt.path) for receipt in receipts[batch]])
        server.send(Accepted(batch, (head,), proofs))

    account.count(answer, accepted, range(len(batches)), each=each)


def _entry(cast: Statement) -> Entry:
    return Entry(cast.data, cast.id, cast.kind, TOPIC, cast.expires)
