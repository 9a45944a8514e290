"""Damage to what a store has left on its disk, and what the next process makes of it: fast, on a disk in memory.

Whatever changes, no wrong statement is handed out, and each that is not handed out any more is told: as damaged, as in
doubt, or by a refusal to start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from byway.errors import StoreError
from byway.protocol.limits import MINUTE_MS
from byway.store.high_water import HIGH_WATER_FILE
from byway.store.sqlite.store import STORE_FILE, SqliteStore, open_store
from byway.store.store import CursorMove, Entry, Recovered, SubscriptionRow
from tests.store.power_loss import SECTOR_BYTES, Disk, Image
from tests.store.stores import NODE_KEY, SELLER, commit, open_here, subscribe, subscription
from tests.strategies.entries import ADDRESSES, make_entry

LOG_FILE: Final = f"{STORE_FILE}-wal"
PAGE_BYTES: Final = 4096
COMMITS: Final = 24
SIZES: Final = (130, 600, 600, 9_000)
NOW: Final = 3 * MINUTE_MS  # when a part of it has been swept
LIVES_UNTIL: Final = (2 * MINUTE_MS, 1_000 * MINUTE_MS, 1_000 * MINUTE_MS)
ALL: Final = 1000
NEW_CHAIN: Final = b"the second chain"
REFUSED: Final = frozenset({"store-damaged", "store-failed", "store-foreign"})

Files = Mapping[str, bytes]
Damage = Callable[[bytes, Random], bytes]


class Left(NamedTuple):
    """The files that a process has left, what was promised with them, and the subscriptions by their names."""

    files: Files
    entries: dict[int, Entry]
    subscriptions: dict[str, SubscriptionRow]


class Look(NamedTuple):
    """What was done, what it cost, and a sentence for everything that is not as it should be."""

    what: str
    refused: str  # the code with which it did not start
    lost: int  # statements
    wrongs: list[str]


def left_behind(folder: Path, random: Random, *, killed: bool) -> Left:
    """Commits, subscriptions, moves and a sweep, and then the end: orderly, or by a kill."""
    disk = Disk()
    entries: dict[int, Entry] = {}
    with open_here(folder, vfs=disk.name) as store:
        subscribe(store, *(subscription(sub) for sub in ("homes", "food", "eggs")))
        for number in range(COMMITS):
            first = len(entries) + 1
            made = [_entry(100 * number + each, random) for each in range(random.randrange(1, 6))]
            commit(store, first, made, [CursorMove(SELLER, "homes", 1, 0, len(entries), ())])
            entries.update(enumerate(made, first))
            if number == COMMITS // 2:
                store.sweep(NOW, ALL)
                store._database._connection.wal_checkpoint()
        left = disk.after_death()
    images = left.images if killed else disk.images
    files = {Path(name).name: bytes(image.current) for name, image in images.items() if image.current}
    files[HIGH_WATER_FILE] = (folder / HIGH_WATER_FILE).read_bytes()
    for each in (left, disk):
        each.unregister()
    with _opened(folder, files) as (_, recovered):
        return Left(files, entries, {row.sub: row for row in recovered.subscriptions})


def look(left: Left, folder: Path, random: Random) -> Look:
    """Damage one of the files, open the store, and see what is left of it."""
    name = random.choice(sorted(left.files))
    damage = random.choice(DAMAGE)
    files = {**left.files, name: damage(left.files[name], random)}
    what, refused = f"{damage.__name__} of {name}", ""
    try:
        try:
            with _opened(folder, files) as (store, recovered):
                return _judged(what, refused, left, store, recovered)
        except StoreError as error:
            if error.code != "chain-damaged":
                raise
            refused = error.code
        with _opened(folder, files, begin_chain=NEW_CHAIN) as (store, recovered):
            return _judged(what, refused, left, store, recovered)
    except StoreError as error:
        told = error.code in REFUSED and error.next_step and name != HIGH_WATER_FILE
        return Look(what, error.code, 0, [] if told else [f"{what}: {error} ({error.code})"])
    except Exception as error:  # noqa: BLE001 - whatever else is raised is wrong
        return Look(what, refused, 0, [f"{what}: {error!r}"])


def _judged(what: str, refused: str, left: Left, store: SqliteStore, recovered: Recovered) -> Look:
    came = dict(store.read(store.sequences(ADDRESSES, 0, ALL)))
    told = set(store.damaged)
    for doubt in (recovered.in_doubt.sequences if recovered.in_doubt else None, recovered.without_head):
        told |= {at for at in left.entries if doubt and doubt[0] <= at <= doubt[1]}
    owed = {at for at, entry in left.entries.items() if entry.expires > NOW}
    lost = owed - came.keys()
    wrongs = []
    if changed := [at for at, data in came.items() if at not in left.entries or left.entries[at].data != data]:
        wrongs.append(f"{changed} are not what was stored")
    if silent := lost - told:
        wrongs.append(f"{sorted(silent)} are lost in silence")
    if what.endswith(HIGH_WATER_FILE) and (lost or recovered.in_doubt):
        wrongs.append("the high-water file alone costs something")
    wrongs += _wrong_subscriptions(left, recovered)
    wrongs += _wrong_commit(left, store, recovered)
    return Look(what, refused, len(lost), [f"{what}: {wrong}" for wrong in wrongs])


def _wrong_subscriptions(left: Left, recovered: Recovered) -> Iterator[str]:
    """Each is what was written, or as it was some time ago, or dropped and told."""
    for row in recovered.subscriptions:
        before = left.subscriptions.get(row.sub)
        if before is None or row._replace(through=before.through) != before or row.through > before.through:
            yield f"the subscription {row.sub} has become {row}"
    missing = left.subscriptions.keys() - {row.sub for row in recovered.subscriptions}
    if missing and not recovered.dropped and not recovered.in_doubt:
        yield f"the subscriptions {missing} are lost in silence"


def _wrong_commit(left: Left, store: SqliteStore, recovered: Recovered) -> Iterator[str]:
    """A store that takes something new gives it a sequence that nobody has a receipt for, and keeps it."""
    first, new = recovered.next_sequence, make_entry(1_000_000)
    try:
        commit(store, first, [new])
    except StoreError:
        return
    if first in left.entries:
        yield f"{first} was given twice"
    if store.read([first]) != [(first, new.data)] or store.find(new.id) != first:
        yield "what was committed afterwards is not there"


@contextmanager
def _opened(folder: Path, files: Files, *, begin_chain: bytes | None = None) -> Iterator[tuple[SqliteStore, Recovered]]:
    """A store over these files, and what it recovered."""
    disk = Disk()
    for name in files.keys() - {HIGH_WATER_FILE}:
        image = disk.images[str(folder / name)] = Image()
        image.current[:] = image.durable[:] = files[name]
    (folder / HIGH_WATER_FILE).write_bytes(files[HIGH_WATER_FILE])
    random = Random(1).randbytes  # noqa: S311 - it names a chain
    try:
        with closing(open_store(folder, node_key=NODE_KEY, random=random, reserve_bytes=0, vfs=disk.name)) as store:
            yield store, store.recover(NOW, begin_chain=begin_chain)
    finally:
        disk.unregister()


def _entry(number: int, random: Random) -> Entry:
    address = ADDRESSES[number % 3]
    return make_entry(number, address=address, expires=random.choice(LIVES_UNTIL), size=random.choice(SIZES))


def a_bit(data: bytes, random: Random) -> bytes:
    at = _place(data, random)
    return _put(data, at, bytes([data[at] ^ 1 << random.randrange(8)]))


def a_byte(data: bytes, random: Random) -> bytes:
    return _put(data, _place(data, random), random.randbytes(1))


def some_bytes(data: bytes, random: Random) -> bytes:
    return _put(data, _place(data, random), random.randbytes(random.randrange(2, 65)))


def a_sector(data: bytes, random: Random) -> bytes:
    return _put(data, _start(data, random, SECTOR_BYTES), _other(random, SECTOR_BYTES))


def a_page(data: bytes, random: Random) -> bytes:
    return _put(data, _start(data, random, PAGE_BYTES), _other(random, PAGE_BYTES))


def the_end(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


DAMAGE: Final[tuple[Damage, ...]] = (a_bit, a_bit, a_byte, some_bytes, a_sector, a_page, the_end)


def _place(data: bytes, random: Random) -> int:
    """Anywhere, or where there is something."""
    at = random.randrange(len(data))
    page = at - at % PAGE_BYTES
    used = [place for place, byte in enumerate(data[page : page + PAGE_BYTES], page) if byte]
    return random.choice([at, random.choice(used or [at])])


def _start(data: bytes, random: Random, size: int) -> int:
    at = random.randrange(len(data))
    return at - at % size


def _other(random: Random, size: int) -> bytes:
    return random.choice([bytes(size), random.randbytes(size)])


def _put(data: bytes, at: int, new: bytes) -> bytes:
    """As long as before."""
    return (data[:at] + new + data[at + len(new) :])[: len(data)]
