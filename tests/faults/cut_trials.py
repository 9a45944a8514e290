"""A trial for each frame of a link, and who makes them: links are cut at every byte of it, some at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, RemoteProtocolError
from byway.node_address import NodeAddress
from byway.protocol.codec import encode
from byway.protocol.frames import (
    Accepted,
    Ack,
    Acked,
    Answer,
    Bye,
    Credit,
    Deliver,
    Ended,
    Frame,
    Hello,
    Ping,
    Pong,
    Refused,
    Resolve,
    Start,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from tests.faults.cut_frames import Names, Party, Said, Scenes
from tests.faults.cut_links import Opening, Way, cut_link
from tests.faults.stage import Stage

AT_ONCE: Final = 16  # links
AT_ONCE_WAITING: Final = 8  # of those whose other end says something by itself after half a minute: one for each byte
PREFIXES: Final = 32  # 127.3.0 and on
DONE_WITHIN_S: Final = 60.0  # one cut
SHOWN: Final = 8  # bytes

Scene = Callable[[Party], Awaitable[Said | None]]


@dataclass(slots=True)
class Trial:
    """A frame that is cut at every byte: in a scene, or as this number of what its client says or hears in the opening.

    `size` is that of the longest of them, 0 as long as none was there; `acted` has the bytes after which a part was
    acted on.
    """

    way: Way
    kind: type[Frame]
    scene: Scene | int
    at: NodeAddress
    size: int = 0
    cuts: int = 0
    acted: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kind.__name__} that a client {self.way}"


def trials(scenes: Scenes, names: Names, router: NodeAddress, authority: NodeAddress) -> list[Trial]:
    """One for each frame that is said or heard; the first takes half a minute, for which it needs no time of ours."""
    said: list[tuple[Way, type[Frame], Scene | int]] = [
        ("says", Start, 0),
        ("says", Hello, 1),
        ("says", Submit, scenes.submit),
        ("says", Subscribe, scenes.subscribe),
        ("says", Subscribe, scenes.subscribe_again),
        ("says", Credit, scenes.credit),
        ("says", Ack, scenes.ack),
        ("says", Unsubscribe, scenes.unsubscribe),
        ("says", Resolve, scenes.resolve),
        ("says", Ping, scenes.ping),
        ("says", Bye, scenes.bye),
        ("hears", Start, 0),
        ("hears", Hello, 1),
        ("hears", Credit, scenes.nothing),
        ("hears", Accepted, scenes.accepted),
        ("hears", Subscribed, scenes.subscribed),
        ("hears", Deliver, scenes.delivered),
        ("hears", Acked, scenes.acked),
        ("hears", Ended, scenes.ended),
        ("hears", Refused, scenes.refused),
        ("hears", Pong, scenes.pong),
        ("hears", Bye, scenes.sent_away),
    ]
    return [
        Trial("hears", Ping, scenes.nothing, router, size=len(encode(Ping(b"")))),
        *(Trial(*each, router) for each in said),
        Trial("hears", Answer, names.answer, authority),
    ]


class Cutter:
    """Cuts links, some at a time, each of a key of its own."""

    def __init__(self, stage: Stage, scenes: Scenes) -> None:
        self._stage = stage
        self._scenes = scenes
        self._numbers = count()

    async def cut(self, trials: list[Trial]) -> None:
        """All of them, one after the other; only who has to wait long does so beside the others."""
        async with trio.open_nursery() as nursery:
            for trial in trials:
                if (trial.way, trial.kind) == ("hears", Ping):
                    nursery.start_soon(self._at_every_byte, trial, AT_ONCE_WAITING)
                else:
                    await self._at_every_byte(trial, AT_ONCE)
        for trial in trials:
            self._tell(trial)

    async def _at_every_byte(self, trial: Trial, at_once: int) -> None:
        if not trial.size:
            await self._rehearse(trial)
        places = self._places(trial)
        async with trio.open_nursery() as nursery:
            for _ in range(at_once):
                nursery.start_soon(self._go_on, trial, places)

    async def _rehearse(self, trial: Trial) -> None:
        """Have the frame go whole, which is how we know its size and what it does."""
        await self._once(trial, None, 0)
        self._stage.expect(not trial.failed, f"{trial}, whole: {trial.failed}")
        if trial.way == "says":
            self._stage.expect(trial.acted == [trial.size], f"a whole {trial} was not acted on")
            trial.acted.clear()

    def _places(self, trial: Trial) -> Iterator[tuple[int, int]]:
        """Every byte, and whether a reset is due; a frame that is longer than the others before has more of them.

        None is due for what a client says in the opening: only its own end of the link tells then what a node does.
        """
        resets = 0 if trial.way == "says" and isinstance(trial.scene, int) else 1
        for turn in range(self._stage.times):
            byte = 0
            while byte < trial.size:
                yield byte, (byte + turn) % 2 * resets
                byte += 1

    async def _go_on(self, trial: Trial, places: Iterator[tuple[int, int]]) -> None:
        for byte, reset in places:
            await self._once(trial, byte, reset)

    async def _once(self, trial: Trial, byte: int | None, reset: int) -> None:
        number = next(self._numbers)
        key = SigningKey(self._stage.chance.randbytes(32))
        try:
            with trio.fail_after(DONE_WITHIN_S):
                await self._cut_one(trial, byte, key, number, reset=bool(reset))
        except (LinkError, RemoteProtocolError, OSError, trio.BrokenResourceError, trio.TooSlowError) as error:
            trial.failed.append(f"byte {byte}: {error!r}")
        else:
            trial.cuts += byte is not None
        if byte is None and trial.way == "says":
            self._scenes.kept.pop(bytes(key.verify_key), None)

    async def _cut_one(self, trial: Trial, byte: int | None, key: SigningKey, number: int, *, reset: bool) -> None:
        source = f"127.3.{number % PREFIXES}.1"
        in_opening = Opening(trial.way, trial.scene, byte) if isinstance(trial.scene, int) else None
        link = await cut_link(trial.at, key, source=source, reset=reset, cut=in_opening)
        try:
            if not isinstance(trial.scene, int):
                if (trial.way, trial.kind) != ("hears", Credit):
                    await link.hear(Credit)
                party = Party(link, key, f"open:cut:c{number:06}", byte is None)
                if trial.way == "says":
                    await self._say_a_part(trial.scene, party, byte)
                else:
                    await trial.scene(party)
                    await link.hear_part(byte)
        finally:
            link.break_off()
        if byte is None and trial.way == "hears" and link.heard is not trial.kind:
            trial.failed.append(f"it was {link.heard}")
        trial.size = max(trial.size, link.size)
        if link.acted:
            trial.acted.append(link.size if byte is None else byte)

    async def _say_a_part(self, scene: Scene, party: Party, byte: int | None) -> None:
        """The answer to the whole frame before it tells that the part has come."""
        link, said = party.link, await scene(party)
        assert said is not None
        await link.say_part(encode(said.frame), byte, [said.before])
        if (answer := await link.expect(said.answer)) is not None:
            said.heard(answer)
        if byte is None:
            await link.listen()
        elif not said.is_stored:
            await self._scenes.give_life(party)

    def _tell(self, trial: Trial) -> None:
        stage = self._stage
        stage.outcome.faults += trial.cuts
        stage.outcome.checked += trial.cuts
        stage.count(f"cut at what a client {trial.way}", trial.cuts)
        acted, failed = sorted(trial.acted), trial.failed
        stage.expect(not acted, f"{len(acted)} parts of a {trial} were acted on, of {acted[:SHOWN]} bytes ...")
        stage.expect(not failed, f"{len(failed)} times a {trial} was not cut: {failed[:SHOWN]} ...")
