"""Stories of links, each a function that plays one on a stage.  The first line of its docstring is the title."""

from __future__ import annotations

from collections.abc import Callable

from byway.protocol.frames import (
    Accepted,
    Ack,
    Acked,
    Answer,
    Bye,
    Credit,
    Deliver,
    Ended,
    Entry,
    Hello,
    Ping,
    Pong,
    Proof,
    Refusal,
    Refused,
    Resolve,
    Stamps,
    Start,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from byway.protocol.hello import hello_body, make_hello
from byway.protocol.limits import SUBMIT_CREDIT
from byway.protocol.merkle import leaf, paths, root
from byway.protocol.receipt import Head
from byway.protocol.stamp import mint
from byway.protocol.statement import Kind, Statement
from byway.protocol.urn import mailbox_urn, node_urn
from tests.transcripts.stage import Stage
from tests.vectors.notation import NOW, key, make, public

PERSON, ROUTER, ATTACKER = 1, 4, 6
CLIENT_NODE, SERVER_NODE = node_urn(public(PERSON)), node_urn(public(ROUTER))
CLIENT_START = Start((1,), CLIENT_NODE, b"client's nonce..")
SERVER_START = Start((1,), SERVER_NODE, b"server's nonce..")


def hello(stage: Stage, role: str, *, server_key: bytes = public(ROUTER), client: Start = CLIENT_START) -> Hello:
    number = PERSON if role == "client" else ROUTER
    body = hello_body(
        "client" if role == "client" else "server",
        versions=(client.versions, SERVER_START.versions),
        nonces=(client.nonce, SERVER_START.nonce),
        nodes=(client.node, SERVER_START.node),
        server_key=server_key,
    )
    return Hello(stage.name(f"hello of the {role}", make_hello(key(number), body, now=NOW).data))


def greet(stage: Stage) -> None:
    stage.client(CLIENT_START)
    stage.server(SERVER_START, hello(stage, "server"))
    stage.client(hello(stage, "client"))
    stage.server(Credit(None, SUBMIT_CREDIT))


def opened(stage: Stage) -> None:
    """The link is opened, which need not be told again."""
    told = stage.lines
    stage.lines = []
    greet(stage)
    stage.lines = [*told, "(The link is opened as in opening.txt.)"]


def cast(stage: Stage, number: int) -> Statement:
    """A statement that is a cast to a connection, which does not look into it."""
    statement = make(PERSON, Kind.CAST, {"number": number, "pad": bytes(900)})
    stage.name(f"cast {number}", statement.data)
    return statement


def commit(stage: Stage, first: int, *statements: Statement) -> tuple[bytes, list[Proof]]:
    """A head, signed by the router, and the proofs of what is in its commit."""
    leaves = [leaf(first + n, statement.id) for n, statement in enumerate(statements)]
    head = Head(
        journal=0,
        chain=bytes(16),
        first=first,
        count=len(leaves),
        root=root(leaves),
        size=1,
        tree=root(leaves),
        durable="sqlite-wal-full",
    )
    data = stage.name(
        f"head of {first} to {first + len(leaves) - 1}", head.sign(key(ROUTER), created=NOW, expires=NOW + 1).data
    )
    return data, [Proof(0, first + n, tuple(path)) for n, path in enumerate(paths(leaves))]


def items(*statements: Statement) -> tuple[tuple[bytes, None], ...]:
    return tuple((statement.data, None) for statement in statements)


def opening(stage: Stage) -> None:
    """A client opens a link: each end says who it is, and signs it for this link."""
    greet(stage)
    stage.tell("Either end may go on from here; when there is nothing more to say, it leaves.")
    stage.client(Bye("shutting-down", "that was all", None))


def another_version(stage: Stage) -> None:
    """Two ends have no version in common."""
    stage.client(Start((7, 8), CLIENT_NODE, CLIENT_START.nonce))
    stage.server(Bye("version-unsupported", "the client speaks versions 7 and 8, the server version 1"))


def relayed_hello(stage: Stage) -> None:
    """Somebody in the middle relays the hello of the router, which was signed for another certificate."""
    stage.client(CLIENT_START)
    stage.server(SERVER_START, hello(stage, "server", server_key=public(ATTACKER)))
    stage.tell("The hash in the hello is not that of the key that the client sees.")
    stage.client(Bye("hello-mismatch", "the hello does not belong to this link"))


def out_of_turn(stage: Stage) -> None:
    """Nothing but the opening is taken before the hellos."""
    stage.client_may_not(Ping(b""))
    stage.client(CLIENT_START)
    stage.server_may_not(Credit(None, SUBMIT_CREDIT))
    stage.client_breaks(Resolve(1, SERVER_NODE))


def no_frames(stage: Stage) -> None:
    """Bytes that are no frame end the link, with the reason."""
    stage.tell("Another protocol: its first four bytes are a length over the limit.")
    stage.client_breaks(b"GET / HTTP/1.1\r\n")
    stage.tell("A length, and a byte that msgpack never uses.")
    stage.new_link()
    stage.client_breaks(b"\x00\x00\x00\x01\xc1")
    stage.tell("A field of the wrong type: the nonce is text.")
    stage.new_link()
    stage.client_breaks(b"\x00\x00\x00\x08\x94\x01\x91\x01\xa1n\xa1x")


def publishing(stage: Stage) -> None:
    """A person hands casts in: receipts, a refusal, and the first receipt again."""
    opened(stage)
    one, two, late = (cast(stage, number) for number in (1, 2, 3))
    head, proofs = commit(stage, 41, one, two)
    stage.tell("One answer for each statement, in their order; both receipts build on one head.")
    stage.client(Submit(1, items(one, late, two)))
    refusal = Refusal("expired", "the statement has expired", None)
    stage.server(Accepted(1, (head,), (proofs[0], refusal, proofs[1])))
    stage.tell("What is stored already gets its first receipt again.")
    stage.client(Submit(2, items(two)))
    stage.server(Accepted(2, (head,), (proofs[1],)))
    stage.tell("A refusal that is temporary says when to try again.")
    stage.client(Submit(3, items(cast(stage, 4))))
    stage.server(Accepted(3, (), (Refusal("store-full", "the disk of the node is nearly full", 30_000),)))


def stamping(stage: Stage) -> None:
    """A busy node asks for stamps: what brings one is taken before others."""
    opened(stage)
    one = cast(stage, 1)
    head, proofs = commit(stage, 41, one)
    busy = Refusal("busy", "the node has more work than it can take", 1000)
    stage.client(Submit(1, items(one)))
    stage.server(Stamps(12), Accepted(1, (), (busy,)))
    stage.tell("The nonce makes a hash over node, statement and nonce that begins with 12 zero bits.")
    stage.client(Submit(2, ((one.data, mint(public(ROUTER), one.id, 12, start=0, tries=1 << 20)),)))
    stage.server(Accepted(2, (head,), (proofs[0],)))
    stage.tell("Now it has little to do.")
    stage.server(Stamps(0))


def credit(stage: Stage) -> None:
    """A client stays within the credit for Submits; a Submit without an answer holds its bytes."""
    opened(stage)
    large = [stage.name(f"large statement {number}", bytes([number]) * (SUBMIT_CREDIT // 2)) for number in (1, 2, 3)]
    stage.client(Submit(1, ((large[0], None),)), Submit(2, ((large[1], None),)))
    stage.client_may_not(Submit(3, ((large[2], None),)))
    stage.tell("Answers come in any order, and give the bytes back.")
    stage.server(Accepted(2, (), (Refusal("too-large", "a statement has at most 32,888 bytes"),)))
    stage.client(Submit(3, ((large[2], None),)))
    stage.tell("A client that does not count is left.")
    stage.client_breaks(Submit(4, ((large[0], None),)))


def batches(stage: Stage) -> None:
    """A batch is answered once and whole, and its number is free again then."""
    opened(stage)
    one = cast(stage, 1)
    stage.client(Submit(1, items(one, one)))
    stage.client_may_not(Submit(1, items(one)))
    busy = Refusal("busy", "the node has more work than it can take", 1000)
    stage.server_may_not(Accepted(1, (), (busy,)))
    stage.server(Accepted(1, (), (busy, busy)))
    stage.server_breaks(Accepted(1, (), (busy, busy)))


def selling(stage: Stage) -> None:
    """A seller subscribes, is delivered to, and acks in its own order."""
    opened(stage)
    wishes = {number: cast(stage, number) for number in (42, 55, 58)}
    entries = {number: Entry(number, wish.data) for number, wish in wishes.items()}
    wanted = [">=", "price", ["money", "USD", 70_000_000, 70_000_000]]
    stage.client(Subscribe("condos", "open:homes:*:condo", wanted, "all", "oldest", 65_536))
    stage.server(Subscribed("condos", 1, ((0, 0),)))
    stage.tell("What lies between did not match: the cursor may move past it.")
    stage.server(Deliver("condos", 1, 0, 57, (entries[42], entries[55])))
    stage.client(Ack("condos", 1, 0, 41, (55,)))
    stage.server(Acked("condos", 1, 0, 41))
    stage.server(Deliver("condos", 1, 0, 58, (entries[58],)))
    stage.tell("42 is handled now, and 58 cannot be used.")
    stage.client(Ack("condos", 1, 0, 58, (), ((58, "bad-body"),)))
    stage.server(Acked("condos", 1, 0, 58))
    stage.tell("Nothing else matches: a mark of progress.")
    stage.server(Deliver("condos", 1, 0, 90, ()))
    stage.client(Ack("condos", 1, 0, 90))
    stage.server(Acked("condos", 1, 0, 90))
    stage.client(Unsubscribe("condos"))
    stage.server(Ended("condos", "ended", "the subscription was ended by its owner"))


def coming_back(stage: Stage) -> None:
    """A seller loses its link and goes on where it was; the old link of a subscription is told."""
    opened(stage)
    wish = Entry(7, cast(stage, 7).data)
    stage.client(Subscribe("all", "open:**", None, "all", "cursor", 65_536))
    stage.server(Subscribed("all", 1, ((0, 6),)), Deliver("all", 1, 0, 7, (wish,)))
    stage.tell("The link is lost before the Ack. On the next one:")
    stage.new_link()
    opened(stage)
    stage.client(Subscribe("all", "open:**", None, "all", "cursor", 65_536))
    stage.server(Subscribed("all", 2, ((0, 6),)), Deliver("all", 2, 0, 7, (wish,)))
    stage.client(Ack("all", 2, 0, 7))
    stage.server(Acked("all", 2, 0, 7))
    stage.tell("The same seller subscribes on a third link, and this one is told. An Ack that crosses is ignored.")
    stage.server(Ended("all", "replaced", "the same subscription was opened on another link"))
    stage.client(Ack("all", 2, 0, 7))
    stage.server_may_not(Deliver("all", 2, 0, 9, ()))


def delivery_credit(stage: Stage) -> None:
    """A server stays within the credit of a subscription; one statement is always allowed."""
    opened(stage)
    first, second = (Entry(number, cast(stage, number).data) for number in (1, 2))
    stage.client(Subscribe("all", "open:**", None, "all", "oldest", 500))
    stage.server(Subscribed("all", 1, ((0, 0),)), Deliver("all", 1, 0, 1, (first,)))
    stage.tell("What is acked gives its bytes back, and Credit adds to what may be in flight.")
    stage.client(Ack("all", 1, 0, 1), Credit("all", 700))
    stage.server(Deliver("all", 1, 0, 2, (second,)))
    stage.server_breaks(Deliver("all", 1, 0, 3, (Entry(3, cast(stage, 3).data),)))


def refused_subscriptions(stage: Stage) -> None:
    """What cannot be subscribed to is refused, and the link goes on."""
    opened(stage)
    stage.client(Subscribe("x", "open:**:condo", None, "all", "now", 65_536))
    stage.server(Refused(Subscribe.number, "x", "bad-pattern", "** may stand in the last place only"))
    stage.client(Subscribe("mail", mailbox_urn(public(ATTACKER)), None, "all", "oldest", 65_536))
    stage.server(Refused(Subscribe.number, "mail", "not-yours", "the mailbox belongs to another key"))
    stage.server_may_not(Deliver("mail", 1, 0, 1, ()))
    stage.client(Subscribe("mail", mailbox_urn(public(PERSON)), None, "all", "oldest", 65_536))
    stage.server(Subscribed("mail", 1, ((0, 0),)))


def resolving(stage: Stage) -> None:
    """A client asks for names."""
    opened(stage)
    record = stage.name("record of the router", make(ROUTER, Kind.RECORD, {"name": SERVER_NODE}).data)
    stage.client(Resolve(1, SERVER_NODE), Resolve(2, node_urn(public(9))))
    stage.tell("In any order. No such name is an empty answer.")
    stage.server(Answer(2, ()), Answer(1, (record,)))
    stage.client(Resolve(3, "urn:byway:node:nobody"))
    stage.server(Refused(Resolve.number, 3, "bad-urn", "the text is not a URN of the byway in its one spelling"))
    stage.server_breaks(Answer(3, ()))


def silence(stage: Stage) -> None:
    """Sixty silent seconds are asked about; fifteen more without an answer end the link."""
    opened(stage)
    stage.tell("After sixty seconds, by either end:")
    stage.client(Ping(b"\x01"))
    stage.server(Pong(b"\x01"))
    stage.tell("After sixty more:")
    stage.server(Ping(b""))
    stage.tell("And after fifteen:")
    stage.server(Bye("idle", "nothing came for too long"))


STORIES: dict[str, Callable[[Stage], None]] = {
    story.__name__: story
    for story in (
        opening,
        another_version,
        relayed_hello,
        out_of_turn,
        no_frames,
        publishing,
        stamping,
        credit,
        batches,
        selling,
        coming_back,
        delivery_credit,
        refused_subscriptions,
        resolving,
        silence,
    )
}


def transcript(name: str) -> str:
    """The text of `<name>.txt`."""
    stage = Stage()
    STORIES[name](stage)
    title = (STORIES[name].__doc__ or "").splitlines()[0]
    return "\n".join([title, "", *stage.lines]) + "\n"
