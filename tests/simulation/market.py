"""What the people of a world want and offer: statements of every kind, topic, facet, size and lifetime."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from nacl.signing import SigningKey

from byway.protocol.close import Close
from byway.protocol.facets import Facet, Integer, Money, Place
from byway.protocol.intentcast import Cast
from byway.protocol.limits import HOUR_MS, MINUTE_MS
from byway.protocol.mailbox import Mailbox
from byway.protocol.record import Record
from byway.protocol.seal import NONCE_BYTES, public_reply_key, seal
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import mailbox_urn, to_base32
from tests.strategies.randomness import Seeded
from tests.vectors.notation import damaged

TOPICS: Final = tuple(
    f"urn:byway:topic:open:{path}" for path in ("homes:boston", "homes:cambridge:condo", "food:eggs", "food:eggs:free")
)
PATTERNS: Final = ("open:**", "open:homes:**", "open:food:*", "open:*:*", "open:homes:boston", "open:food:eggs:**")
FILTERS: Final[tuple[object, ...]] = (
    None,
    [">=", "beds", ["integer", 2, 2]],
    ["or", ["near", "where", 42_360_000, -71_060_000, 20_000], ["known", "price"]],
    ["not", [">=", "beds", ["integer", 3, 3]]],
    ["and", ["known", "beds"], ["not", ["known", "price"]]],
)
LIVES_MS: Final = (700, 1500, 3000, 6000, 12_000, HOUR_MS, HOUR_MS, HOUR_MS)
WORDS: Final = (10, 200, 900, 6000)
CANARY_BYTES: Final = 24


class Market:
    """Makes statements of one world."""

    def __init__(self, seed: str, now_ms: Callable[[], int]) -> None:
        self._random = Random(f"{seed} market")  # noqa: S311 - a simulation
        self._bytes = Seeded(f"{seed} market")
        self._now_ms = now_ms
        self._reply_secret = self._bytes(32)
        self.secrets = {self._reply_secret: "a reply key"}  # that no node has, nor who listens to all links

    def key(self) -> SigningKey:
        return SigningKey(self._bytes(32))

    def cast(self, key: SigningKey, authority: str) -> Statement:
        """A wish that may live for less than a second."""
        random, now = self._random, self._now_ms()
        facets: dict[str, Facet] = {}
        if random.random() < 0.7:
            low = random.randrange(1, 5)
            facets["beds"] = Integer(low, low + random.randrange(2))
        if random.random() < 0.4:
            facets["where"] = Place(42_360_000 + random.randrange(-400_000, 400_000), -71_060_000, 500)
        if random.random() < 0.4:
            facets["price"] = Money("USD", None, random.randrange(1000, 900_000))
        body = Cast.from_wire(
            {
                "to": random.choice(TOPICS),
                "facets": {name: facet.wire() for name, facet in facets.items()},
                "demand": {"@type": "Demand", "name": "w" * random.choice(WORDS)},
                "reply": [[1, bytes(32)]],
                "authority": authority,
                "offers": 5,
                "terms": [],
            }
        )
        return body.sign(key, created=now - MINUTE_MS, expires=now + random.choice(LIVES_MS))

    def close(self, cast: Statement, key: SigningKey) -> Statement:
        body = Close(cast=cast.id, to=str(cast.body()["to"]), until=cast.expires)
        return body.sign(key, created=cast.created, expires=cast.expires)

    def hostile(self, authority: str) -> tuple[Statement, str]:
        """A statement that no node may take, and why."""
        key, now = self.key(), self._now_ms()
        kind = self._random.randrange(3)
        if kind == 0:
            return damaged(self.cast(key, authority)), "its signature is bad"
        times = (now - HOUR_MS, now - MINUTE_MS) if kind == 1 else (now + HOUR_MS, now + 2 * HOUR_MS)
        body: dict[str, Any] = self.cast(key, authority).body()
        made = make_statement(key, Kind.CAST, body, created=times[0], expires=times[1])
        return made, "it is not of this time"

    def mailbox(self, key: SigningKey, at: str) -> Statement:
        now = self._now_ms()
        return Mailbox(at=at, messages=5, bytes=20_000).sign(key, created=now, expires=now + HOUR_MS)

    def sealed(self, key: SigningKey, mailbox: bytes, serial: int) -> Statement:
        """Something that nobody but the owner of the mailbox could read, by a seller whom nobody else could name."""
        created = self._now_ms()
        expires = created + HOUR_MS
        lasting, said = self.key(), self._bytes(CANARY_BYTES)
        body = {"said": said * self._random.choice((1, 60))}
        self.secrets |= {said: "what an offer says", bytes(lasting.verify_key): "the seller of an offer"}
        return seal(
            make_statement(lasting, Kind.OFFER, body, created=created, expires=expires),
            to=mailbox_urn(mailbox),
            cast=self._bytes(32),
            serial=serial,
            reply_key=public_reply_key(self._reply_secret),
            outer_key=key,
            ephemeral_secret=self._bytes(32),
            nonce=self._bytes(NONCE_BYTES),
            created=created,
            expires=expires,
        )

    def record(self, authority: SigningKey, serial: int, homes: list[str], messaging: str) -> Statement:
        now = self._now_ms()
        fields = {
            "name": topic_of(authority),
            "serial": serial,
            "ttl": 300,
            "homes": homes,
            "messaging": messaging,
        }
        return Record.from_wire(fields).sign(authority, created=now, expires=now + HOUR_MS)


def topic_of(authority: SigningKey) -> str:
    return f"urn:byway:topic:{to_base32(bytes(authority.verify_key))}:homes"
