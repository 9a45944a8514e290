"""For each frame on an open link: how it gets to where it is said or heard, and what has to be stored afterwards."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple

from nacl.signing import SigningKey

from byway.link.client import Client
from byway.protocol.frames import (
    Accepted,
    Ack,
    Bye,
    Credit,
    Deliver,
    Frame,
    Ping,
    Pong,
    Proof,
    Refused,
    Resolve,
    Start,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.limits import HOUR_MS, MAX_INTEGER
from byway.protocol.receipt import Receipt
from byway.protocol.statement import Statement, parse_statement
from byway.protocol.urn import node_urn
from tests.checker.evidence import Witness
from tests.crash.parties import make_cast
from tests.faults.authority_process import make_record
from tests.faults.cut_links import CutLink

SUB: Final = "cut"
LIFE: Final = "life"  # a subscription by which somebody else can have the node speak on a link
PART: Final = "open:cut:part"  # where only that goes of which a part is said
ELSEWHERE: Final = "open:cut:elsewhere"
BEDS: Final = {"beds": ["integer", 2, 2]}  # in all casts, so that they are of one length
FILTER: Final = ["and", ["known", "beds"], [">=", "beds", ["integer", 2, 2]]]
TOKEN: Final = bytes(range(16))
CREDIT: Final = 65_536


class Party(NamedTuple):
    """Who is at the other end of a link, with a topic of its own; `whole`: what it says is not cut this time."""

    link: CutLink
    key: SigningKey
    path: str
    whole: bool


class Said(NamedTuple):
    """The frame that is cut, and before it a whole one, with the kind of its answer and what that is good for.

    `is_stored` says that the store has what it does; of another one only its own link tells.
    """

    frame: Frame
    before: Frame = Ping(b"before")
    answer: type[Frame] = Pong
    heard: Callable[[Any], None] = lambda _: None
    is_stored: bool = False


class Kept(NamedTuple):
    """A subscription in the store: its pattern, and between which sequences its cursor is."""

    pattern: str
    least: int = 0
    most: int = MAX_INTEGER


class Scenes:
    """One for each frame.  It returns what is to be said, or None once the next frame is the one to be heard.

    `kept` has, for the key of each link, the subscription that the router has to keep; `never` the ids of casts that
    never went whole, `whole` of those that did, and `tried` of the whole ones that are cut in other trials.
    """

    def __init__(self, node: str, hand: Client, witness: Witness, chance: Random) -> None:
        self._node = node
        self._hand = hand
        self._witness = witness
        self._chance = chance
        self.kept: dict[bytes, Kept | None] = {}
        self.never: set[bytes] = set()
        self.known = self._cast(ELSEWHERE)
        self.whole: set[bytes] = set()
        self.tried: set[bytes] = set()

    async def begin(self) -> None:
        """Have the router know a cast already."""
        await self._hand.submit([self.known])

    async def give_life(self, party: Party) -> None:
        """Somebody else hands in a cast, which has to come next on a link that looks for life."""
        await self._hand.submit([self._cast(_life(party))])
        await party.link.expect(Deliver, lambda frame: frame.sub == LIFE and bool(frame.entries))

    # what a client says

    async def submit(self, party: Party) -> Said:
        first, cut = self._cast(ELSEWHERE), self._cast(PART)
        (self.tried if party.whole else self.never).add(cut.id)
        key = node_urn(bytes(party.key.verify_key))
        for each in (first, cut) if party.whole else (first,):
            self.whole.add(each.id)
            self._witness.note("attempt", node=self._node, key=key, statement=each.data)

        def heard(frame: Accepted) -> None:
            (answer,) = frame.answers
            if isinstance(answer, Proof):
                receipt = Receipt(parse_statement(frame.heads[answer.head]), answer.sequence, answer.path)
                self._witness.note("receipt", node=self._node, id=first.id, receipt=receipt.to_bytes())
            else:
                self._witness.note("refusal", node=self._node, id=first.id, code=answer.code)
            if party.whole:
                self._witness.note("unknown", node=self._node, id=cut.id)  # nobody will read the answer

        return Said(Submit(2, ((cut.data, None),)), Submit(1, ((first.data, None),)), Accepted, heard, is_stored=True)

    async def subscribe(self, party: Party) -> Said:
        self.kept[bytes(party.key.verify_key)] = None
        return Said(Subscribe(SUB, party.path, FILTER, "all", "oldest", CREDIT), is_stored=True)

    async def subscribe_again(self, party: Party) -> Said:
        await self._subscribed(party)
        return Said(Subscribe(SUB, ELSEWHERE, FILTER, "all", "oldest", CREDIT), is_stored=True)

    async def unsubscribe(self, party: Party) -> Said:
        await self._subscribed(party)
        return Said(Unsubscribe(SUB), is_stored=True)

    async def credit(self, party: Party) -> Said:
        await self._look_for_life(party)
        await self._one_of_two(party)
        return Said(Credit(SUB, CREDIT))

    async def ack(self, party: Party) -> Said:
        epoch, sequence = await self._one_of_two(party)
        return Said(Ack(SUB, epoch, 0, sequence), is_stored=True)

    async def resolve(self, party: Party) -> Said:
        await self._look_for_life(party)
        return Said(Resolve(1, f"urn:byway:topic:{party.path}"))

    async def ping(self, party: Party) -> Said:
        await self._look_for_life(party)
        return Said(Ping(TOKEN), Resolve(1, "urn:byway:topic:open:cut"), Refused)

    async def bye(self, party: Party) -> Said:
        await self._look_for_life(party)
        return Said(Bye("shutting-down", "the client is stopping", 5000))

    # what it hears

    async def nothing(self, _: Party) -> None:
        """It comes by itself."""

    async def accepted(self, party: Party) -> None:
        """The answer for what is known is the first receipt again, so all of these are of one length."""
        await party.link.say(Submit(1, ((self.known.data, None),)))

    async def subscribed(self, party: Party) -> None:
        self.kept[bytes(party.key.verify_key)] = Kept(party.path)
        await party.link.say(Subscribe(SUB, party.path, None, "all", "now", 0))

    async def delivered(self, party: Party) -> None:
        await self._subscribed(party)
        await self._bring(party, 1)

    async def acked(self, party: Party) -> None:
        await self._subscribed(party)
        sequence = await self._bring(party, 1)
        deliver = await party.link.hear(Deliver)
        self.kept[bytes(party.key.verify_key)] = Kept(party.path, least=sequence)
        await party.link.say(Ack(SUB, deliver.epoch, deliver.journal, sequence))

    async def ended(self, party: Party) -> None:
        await self._subscribed(party)
        self.kept[bytes(party.key.verify_key)] = None
        await party.link.say(Unsubscribe(SUB))

    async def refused(self, party: Party) -> None:
        await party.link.say(Resolve(1, f"urn:byway:topic:{party.path}"))

    async def pong(self, party: Party) -> None:
        await party.link.say(Ping(TOKEN))

    async def sent_away(self, party: Party) -> None:
        await party.link.say(Start((1,), self._node, TOKEN))

    async def _look_for_life(self, party: Party) -> None:
        await party.link.say(Subscribe(LIFE, _life(party), None, "all", "now", CREDIT))
        await party.link.hear(Subscribed)

    async def _subscribed(self, party: Party) -> None:
        """On a link whose subscription takes one cast at a time."""
        await self.subscribed(party)
        await party.link.hear(Subscribed)

    async def _one_of_two(self, party: Party) -> tuple[int, int]:
        """One of two casts has come, which is all that the credit is for; its epoch and its sequence."""
        await self._subscribed(party)
        await self._bring(party, 2)
        deliver = await party.link.hear(Deliver)
        return deliver.epoch, deliver.entries[0].sequence

    async def _bring(self, party: Party, count: int) -> int:
        """Somebody else hands in casts for the party; the sequence of the first, which is not acked yet."""
        answers = await self._hand.submit([self._cast(party.path) for _ in range(count)])
        first = min(answer.sequence for answer in answers if isinstance(answer, Receipt))
        self.kept[bytes(party.key.verify_key)] = Kept(party.path, most=first - 1)
        return first

    def _cast(self, path: str) -> Statement:
        given: dict[str, Any] = {"more": BEDS, "pads": [0], "topics": [f"urn:byway:topic:{path}"]}
        return make_cast(self._chance, self._node, lifetime_ms=HOUR_MS, **given).statement


def _life(party: Party) -> str:
    return f"{party.path}:life"


class Names:
    """An addressing authority, which answers for one name."""

    def __init__(self, node: str, key: SigningKey, hand: Client) -> None:
        self._topic = f"urn:byway:topic:{node.rpartition(':')[2]}:homes"
        self._node = node
        self._key = key
        self._hand = hand

    async def begin(self) -> None:
        """Have it know the name."""
        record = make_record(self._key, self._topic, homes=[self._node], messaging=self._node, terms=[])
        await self._hand.submit([record])

    async def answer(self, party: Party) -> None:
        await party.link.say(Resolve(1, self._topic))
