"""Names: believed when they are proved, kept as long as they say, and asked for with a key of their own."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from nacl.signing import SigningKey

from byway.errors import LinkError, Refused, SetupError
from byway.link.memory import MemoryNetwork
from byway.node_address import NodeAddress
from byway.protocol.limits import DAY_MS
from byway.protocol.record import Record
from byway.protocol.statement import Statement
from byway.protocol.urn import node_urn, to_base32
from intentron.resolver import Places, Resolver
from tests.intentron.told_answers import ToldNode, started
from tests.link.parts import NOW
from tests.strategies.randomness import Seeded

ROUTER, MESSAGING = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)
OPEN = "urn:byway:topic:open:homes"


def urn(key: SigningKey) -> str:
    return node_urn(bytes(key.verify_key))


def record(key: SigningKey, name: str, serial: int = 1, ttl: int = 60, **fields: Any) -> Statement:
    body = {"name": name, "serial": serial, "ttl": ttl, **fields}
    return Record.from_wire(body).sign(key, created=NOW, expires=NOW + DAY_MS)


def node_record(key: SigningKey, *addresses: str, role: str = "router", serial: int = 1) -> Statement:
    return record(key, urn(key), serial, role=role, addresses=list(addresses))


class Asker:
    """A resolver whose clock is in a test's hands."""

    def __init__(self, network: MemoryNetwork, *authorities: NodeAddress, **named: NodeAddress) -> None:
        self.now = NOW
        self.resolver = Resolver(
            authorities,
            router=named.get("router"),
            messaging=named.get("messaging"),
            open_link=network.open_link,
            now_ms=lambda: self.now,
            random=Seeded("asker"),
        )


def topic_of(authority: ToldNode) -> str:
    return f"urn:byway:topic:{to_base32(bytes(authority.key.verify_key))}:homes"


def teach(authority: ToldNode, *, serial: int = 1) -> str:
    """Let the authority know a topic, the router that carries it and the authority that keeps its mailboxes."""
    topic = topic_of(authority)
    authority.answers[topic] = [
        record(authority.key, topic, serial, homes=[urn(ROUTER)], messaging=urn(MESSAGING)),
        node_record(ROUTER, "router.test:1"),
        node_record(MESSAGING, "messaging.test:2", role="messaging"),
    ]
    return topic


async def test_a_topic_leads_to_its_router_and_its_mailboxes(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    topic = teach(authority)

    places = await Asker(network, authority.place).resolver.places(topic)

    assert places == Places(
        (NodeAddress(urn(ROUTER), "router.test:1"),), NodeAddress(urn(MESSAGING), "messaging.test:2")
    )
    assert [name for _, name in authority.asked] == [topic]


async def test_an_answer_is_kept_for_as_long_as_it_says(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    topic, asker = teach(authority), Asker(network, authority.place)

    await asker.resolver.resolve(topic)
    asker.now += 59_999
    await asker.resolver.resolve(topic)
    assert len(authority.asked) == 1
    asker.now += 1
    await asker.resolver.resolve(topic)
    assert len(authority.asked) == 2


async def test_each_question_is_asked_with_another_key(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    resolver = Asker(network, authority.place).resolver
    for number in range(3):
        with pytest.raises(Refused):
            await resolver.resolve(f"{OPEN}:{number}")
    assert len({peer for peer, _ in authority.asked}) == 3


async def test_what_another_key_has_signed_is_not_believed_and_the_next_authority_is_asked(
    nursery: trio.Nursery,
) -> None:
    network = MemoryNetwork()
    liar, honest = await started(nursery, network, "liar"), await started(nursery, network, "honest")
    topic = teach(honest)
    liar.answers[topic] = [record(liar.key, topic, 9, homes=[urn(ROUTER)], messaging=urn(MESSAGING))]

    found = await Asker(network, liar.place, honest.place).resolver.resolve(topic)

    assert found.serial == 1
    assert len(liar.asked) == len(honest.asked) == 1


async def test_a_record_that_nobody_asked_for_is_not_believed(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    authority.answers[urn(ROUTER)] = [node_record(MESSAGING, "elsewhere.test:1", role="messaging")]
    resolver = Asker(network, authority.place).resolver
    for name in (urn(ROUTER), urn(MESSAGING)):
        with pytest.raises(Refused) as caught:
            await resolver.resolve(name)
        assert caught.value.code == "name-unknown"


async def test_an_older_record_does_not_come_back(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    topic, asker = teach(authority, serial=2), Asker(network, authority.place)
    await asker.resolver.resolve(topic)

    teach(authority, serial=1)
    asker.now += 61_000
    with pytest.raises(Refused, match="no authority in the settings has a record"):
        await asker.resolver.resolve(topic)


async def test_a_name_that_nobody_knows_is_no_failure_of_the_network(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    nowhere = NodeAddress(urn(ROUTER), "nowhere.test:1")

    with pytest.raises(Refused) as unknown:
        await Asker(network, authority.place).resolver.resolve(OPEN)
    with pytest.raises(LinkError) as unreachable:
        await Asker(network, nowhere, authority.place).resolver.resolve(OPEN)

    assert (unknown.value.code, unreachable.value.code) == ("name-unknown", "unreachable")


async def test_an_authority_that_did_not_answer_has_not_said_no(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    topic = teach(authority)
    authority.answers[topic] = authority.answers[topic][:1]
    nowhere = NodeAddress(urn(ROUTER), "nowhere.test:1")
    resolver = Asker(network, authority.place, nowhere).resolver

    assert (await resolver.resolve(topic)).name == topic
    with pytest.raises(LinkError, match="nobody could be asked"):
        await resolver.places(topic)


async def test_a_node_that_the_settings_name_is_found_where_they_say_now(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    authority.answers[urn(ROUTER)] = [node_record(ROUTER, "recorded.test:1")]
    before, now = NodeAddress(urn(ROUTER), "before.test:1"), NodeAddress(urn(ROUTER), "now.test:1")
    resolver = Asker(network, authority.place, router=now).resolver

    assert await resolver.elsewhere(before) == [now, NodeAddress(urn(ROUTER), "recorded.test:1")]
    assert [resolver.setting_of(place) for place in (now, authority.place, before)] == ["router", "authorities", None]


async def test_open_topics_are_served_where_the_settings_say() -> None:
    network = MemoryNetwork()
    router, messaging = NodeAddress(urn(ROUTER), "a.test:1"), NodeAddress(urn(MESSAGING), "b.test:2")

    asker = Asker(network, router=router, messaging=messaging)
    assert await asker.resolver.places(OPEN) == Places((router,), messaging)
    assert await asker.resolver.reach(urn(MESSAGING)) == messaging

    for named in ({}, {"router": router}):
        with pytest.raises(SetupError) as caught:
            await Asker(network, **named).resolver.places(OPEN)
        assert "settings.toml" in caught.value.next_step


async def test_a_topic_whose_routers_cannot_be_found_is_not_served(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    topic = teach(authority)
    authority.answers[topic] = authority.answers[topic][:1]
    with pytest.raises(Refused, match="can be found"):
        await Asker(network, authority.place).resolver.places(topic)


async def test_a_node_that_has_moved_is_found_at_its_other_addresses(nursery: trio.Nursery) -> None:
    network = MemoryNetwork()
    authority = await started(nursery, network, "authority")
    authority.answers[urn(ROUTER)] = [node_record(ROUTER, "old.test:1", "new.test:2")]
    old, new = NodeAddress(urn(ROUTER), "old.test:1"), NodeAddress(urn(ROUTER), "new.test:2")

    resolver = Asker(network, authority.place).resolver

    assert await resolver.elsewhere(old) == [new]
    assert await resolver.elsewhere(NodeAddress(urn(MESSAGING), "b.test:1")) == []
