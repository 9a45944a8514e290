"""`byway-authority addressing`: says what names mean, and where they are served."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

from cyclopts import App

from byway.cli.init import make_node, node_of
from byway.cli.run import load_node, say

SETTINGS_FILE = Path("addressing.toml")
TOPIC_TTL_S: Final = 3600
TOPIC_LIFETIME_DAYS: Final = 365

app = App(name="addressing", help="The addressing authority: says what names mean, and where they are served.")


def made_by(settings: Path) -> str:
    """The command that makes what is missing."""
    return f"byway-authority addressing init {shlex.quote(str(settings))}"


@app.command
def init(settings: Path = SETTINGS_FILE, *, listen: str | None = None, data: Path | None = None) -> None:
    """Make an addressing authority: a commented settings file with every default, and a key.

    Parameters
    ----------
    settings:
        The settings file to make.
    listen:
        The address to listen on, host:port.
    data:
        The folder for the key and the journal.
    """
    from authorities.settings import AddressingSettings

    made = make_node(settings, AddressingSettings, listen=listen, data=data)
    node = node_of(made)
    print(f"topics      urn:byway:topic:{node.rpartition(':')[2]}:... are yours to register")
    print(f"next        byway-authority addressing run {settings}")


@app.command
def run(settings: Path = SETTINGS_FILE) -> None:
    """Run the authority until Ctrl-C or SIGTERM.

    Parameters
    ----------
    settings:
        The settings file that `init` made.
    """
    from nacl.signing import SigningKey

    from authorities.addressing.authority import AddressingPolicy
    from authorities.settings import AddressingSettings
    from byway.clock import now_ms
    from byway.daemon import run_node

    chosen, seed = load_node(settings, AddressingSettings, made_by=made_by(settings))
    policy = AddressingPolicy(bytes(SigningKey(seed).verify_key), now_ms)
    run_node(chosen, seed, lambda _key: policy, role="addressing", resolver=policy, say=say)


@app.command
def topic(
    name: str,
    *,
    home: list[str],
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
    home:
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
    from byway.clock import now_ms
    from byway.errors import Refused
    from byway.link.client import connect
    from byway.link.dialer import open_link
    from byway.protocol.limits import DAY_MS
    from byway.protocol.record import Record
    from byway.protocol.urn import node_urn, to_base32

    chosen, seed = load_node(settings, AddressingSettings, made_by=made_by(settings))
    key = SigningKey(seed)
    now = now_ms()
    urn = f"urn:byway:topic:{to_base32(bytes(key.verify_key))}:{name}"
    record = Record.from_wire(
        {"name": urn, "serial": now, "ttl": TOPIC_TTL_S, "homes": home, "messaging": messaging}
        | ({"label": label} if label else {})
    )
    statement = record.sign(key, created=now, expires=now + TOPIC_LIFETIME_DAYS * DAY_MS)

    async def main() -> None:
        async with (
            open_link(
                at or chosen.listen[0],
                node=node_urn(bytes(key.verify_key)),
                key=key,
                now_ms=now_ms,
                random=os.urandom,
            ) as link,
            connect(link) as client,
        ):
            (answer,) = await client.submit([statement])
        if isinstance(answer, Refused):
            raise answer
        say(f"registered  {urn}")

    trio.run(main)
