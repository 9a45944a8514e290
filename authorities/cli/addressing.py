"""`byway-authority addressing`: says what names mean, and where they are served."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cyclopts import App

from byway.cli.init import DEFAULTS, Chosen, make_node, tell_next
from byway.cli.run import NONE, Decisions, load_node, say
from byway.errors import LinkError, SetupError, StatementError

if TYPE_CHECKING:
    from byway.protocol.record import Record
    from byway.protocol.statement import Statement

SETTINGS_FILE = Path("addressing.toml")
PROGRAM = "byway-authority addressing"
TOPIC_TTL_S: Final = 3600
TOPIC_LIFETIME_DAYS: Final = 365
MAX_PETNAME: Final = 32  # characters, as an intentron takes them

app = App(name="addressing", help="The addressing authority: says what names mean, and where they are served.")


@app.command
def init(settings: Path = SETTINGS_FILE, *, chosen: Chosen = DEFAULTS) -> None:
    """Make an addressing authority: a commented settings file with every default, and a key.

    Parameters
    ----------
    settings:
        The settings file to make.
    chosen:
        What is set in it.
    """
    from authorities.settings import AddressingSettings

    node = make_node(settings, AddressingSettings, chosen, program=PROGRAM)
    print(f"topics      urn:byway:topic:{node.rpartition(':')[2]}:... are yours to register")
    tell_next(settings, program=PROGRAM)


@app.command
def run(settings: Path = SETTINGS_FILE, *, decisions: Decisions = NONE) -> None:
    """Run the authority until Ctrl-C, SIGTERM or SIGHUP.

    Parameters
    ----------
    settings:
        The settings file that `init` made.
    decisions:
        What only the operator can decide.
    """
    from authorities.addressing.authority import AddressingPolicy
    from authorities.settings import AddressingSettings
    from byway.daemon import run_node

    chosen, seed = load_node(settings, AddressingSettings, program=PROGRAM)
    decided = decisions.at(PROGRAM, settings)
    run_node(chosen, seed, AddressingPolicy, role="addressing", resolver=lambda made: made, decided=decided, say=say)


@app.command
def topic(
    name: str,
    *,
    router: list[str],
    messaging: str,
    at: str | None = None,
    label: str | None = None,
    settings: Path = SETTINGS_FILE,
) -> None:
    """Register a topic with the running authority, or change its record.

    Parameters
    ----------
    name:
        The segments of the topic below this authority, for example homes:boston.
    router:
        The node URN of a router that carries the topic; may be given more than once.
    messaging:
        The node URN of the messaging authority for the topic.
    at:
        Where the authority listens, host:port; the first address of the settings file if left out.
    label:
        A name for people.
    settings:
        The settings file of the authority.
    """
    import trio
    from nacl.signing import SigningKey

    from authorities.settings import AddressingSettings
    from byway.cli.init import run_command_of
    from byway.clock import now_ms
    from byway.errors import Refused
    from byway.link.client import connect
    from byway.link.dialer import open_link
    from byway.protocol.limits import DAY_MS
    from byway.protocol.urn import OPEN_ROOT, node_urn

    chosen, seed = load_node(settings, AddressingSettings, program=PROGRAM)
    key = SigningKey(seed)
    node = node_urn(bytes(key.verify_key))
    address = _address(at or chosen.listen[0])
    named = [*(("--router", urn, "router") for urn in router), ("--messaging", messaging, "messaging")]
    record = _record(node, name, now_ms(), routers=router, messaging=messaging, label=label)
    statement = record.sign(key, created=record.serial, expires=record.serial + TOPIC_LIFETIME_DAYS * DAY_MS)

    async def main() -> None:
        try:
            async with (
                open_link(address, node=node, key=key, now_ms=now_ms, random=os.urandom) as link,
                connect(link) as client,
            ):
                (answer,) = await client.submit([statement])
                if isinstance(answer, Refused):
                    raise answer
                doubts = [
                    doubt for flag, urn, role in named if (doubt := _doubt(flag, role, await client.resolve(urn)))
                ]
        except LinkError as error:  # before there is a link; later ones come in groups
            if error.code != "unreachable":
                raise
            raise LinkError(str(error), code=error.code, next_step=run_command_of(PROGRAM, settings)) from None
        say(f"registered  {record.name}")
        for doubt in doubts:
            say(f"warning     {doubt}")
        if doubts:
            say("            the topic is registered all the same; this command, typed again, changes its record")
        head = name.partition(":")[0]
        petname = head if len(head) <= MAX_PETNAME and "%" not in head and head != OPEN_ROOT else "topic"
        reached = f"{node}@{next(iter(chosen.public_addresses), address)}"
        say(f"next        intentron init --authority {reached} --petname {petname}={record.name}")

    trio.run(main)


def _doubt(flag: str, role: str, records: Sequence[Statement]) -> str:
    """Why the node that `flag` names may not be one of that role, out of what the authority has about it."""
    from byway.protocol.record import Record

    if not records:
        return f"{flag}: this authority has no record of that node yet; its register_at makes it known here"
    told = Record.from_statement(records[0]).role
    return "" if told == role else f"{flag}: that node says that it is of the role {told}, not {role}"


def _address(text: str) -> str:
    """An address that can be dialled.  Raises `SetupError` (`bad-request`)."""
    from byway.protocol.address import parse_address

    try:
        parse_address(text)
    except StatementError as error:
        next_step = "say where the authority listens, as it prints it when it starts: --at HOST:PORT"
        raise SetupError(str(error), code="bad-request", next_step=next_step) from None
    return text


def _record(node: str, name: str, now: int, *, routers: list[str], messaging: str, label: str | None) -> Record:
    """The record of the topic `name`.  Raises `SetupError` that names the flag to mend."""
    from byway.protocol.record import Record
    from byway.protocol.urn import parse_urn

    urn = f"urn:byway:topic:{node.rpartition(':')[2]}:{name}"
    try:
        parse_urn(urn, "topic")
    except StatementError:
        raise SetupError(
            f"{name!r} is no name of a topic",
            code="bad-urn",
            next_step="write it as homes:boston, of a-z, 0-9 and -, with colons between its segments",
        ) from None
    for flag, text in [*(("--router", text) for text in routers), ("--messaging", messaging)]:
        try:
            parse_urn(text, "node")
        except StatementError:
            given, at, _ = text.partition("@")
            raise SetupError(
                f"{flag} is not the URN of a node: {text!r}",
                code="bad-urn",
                next_step=f"{flag} {given if at else 'urn:byway:node:KEY'}, as that node prints it when it starts",
            ) from None
    fields = {"name": urn, "serial": now, "ttl": TOPIC_TTL_S, "homes": routers, "messaging": messaging}
    try:
        return Record.from_wire(fields | ({"label": label} if label else {}))
    except StatementError as error:
        raise SetupError(str(error), code="bad-request", next_step=f"{PROGRAM} topic --help") from None
