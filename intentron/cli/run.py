"""`intentron run`: the node as a daemon."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from byway.errors import SetupError
from intentron.cli.options import Place

if TYPE_CHECKING:
    from intentron.keys import Keys
    from intentron.node import Node
    from intentron.vault import Vault

HERE = Place()
SET_CLOCK: Final = "set the clock of this computer: timedatectl; if it is right, stop the intentron and run once: "


def run(*, log: Literal["text", "json"] = "text", believe_clock: bool = False, place: Place = HERE) -> None:
    """Run your intentron until Ctrl-C, SIGTERM or SIGHUP.  It listens on a socket for you alone, and on no network.

    Parameters
    ----------
    log:
        How log lines are written, to standard error.
    believe_clock:
        The clock of this computer is right, whatever the intentron remembers.
    place:
        Where the intentron lives.
    """
    import trio

    from byway.cli.report import set_up_log
    from byway.link.dialer import open_link
    from byway.recovery import told_clock
    from intentron.api.listening import socket_path
    from intentron.cli.init import tell_if_open
    from intentron.node import Node
    from intentron.settings import load_settings
    from intentron.vault import open_vault

    home = place.folder
    settings = load_settings(home)
    keys = _keys(home)
    socket_path(home)
    tell_if_open(home)
    with open_vault(home) as vault:
        vault.belong_to(keys)
        set_up_log(log)
        next_step = f"{SET_CLOCK}{place.command('run --believe-clock')}"
        clock = told_clock(vault.noted_time(), confirmed=believe_clock, next_step=next_step)
        node = Node(vault, keys, settings, now_ms=clock, random=os.urandom, open_link=open_link)
        trio.run(_serve, node, home, list(_recovered(vault)))


def _keys(home: Path) -> Keys:
    """The keys of the home.  Where they are lost and a vault is not, a new key would be of no use."""
    from intentron.keys import load_keys
    from intentron.vault import holds_a_vault, keep_or_part

    try:
        return load_keys(home)
    except SetupError as error:
        if error.code in {"key-missing", "key-damaged"} and holds_a_vault(home):
            raise SetupError(str(error), code=error.code, next_step=keep_or_part(home)) from None
        raise


async def _serve(node: Node, home: Path, recovered: Iterable[str]) -> None:
    """Run the node with its API until a signal; requests under way are answered, then everything ends at once."""
    from functools import partial
    from signal import Signals

    import trio

    from byway.cli.run import say
    from byway.daemon import stop_signals
    from intentron.api.server import serve_api

    stop = trio.Event()
    with trio.open_signal_receiver(*stop_signals()) as signals:
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as api:
                path = await api.start(partial(serve_api, node, home, stop=stop))
                nursery.start_soon(node.run)
                say(f"listening   {path}")
                say("reach       you alone, on this computer")
                if (await node.status())["sells"]:
                    say(f"you sell as {node.urn}")
                say(f"recovered   {', '.join(recovered) or 'nothing yet'}")
                say("ready")
                async for number in signals:
                    say(f"stopping    {Signals(number).name}")
                    break
                stop.set()
            nursery.cancel_scope.cancel()
    say("stopped     everything is in the vault; it goes on when it is run again")


def _recovered(vault: Vault) -> Iterable[str]:
    """What the vault brings back, as `2 open casts`."""
    from intentron.cli.show import counted
    from intentron.vault import CastState, InboxState, OfferState

    over = vault.casts.all(CastState.CLOSED, CastState.EXPIRED)
    counts = (
        (len(vault.casts.all(CastState.DRAFT, CastState.ACCEPTED)), "open cast", "open casts"),
        (len(vault.casts.all(CastState.REFUSED)), "refused cast", "refused casts"),
        (len(over), "cast that is over", "casts that are over"),
        (len(vault.offers.all(OfferState.OFFERED)), "offer to look at", "offers to look at"),
        (len(vault.subscriptions.all()), "subscription", "subscriptions"),
        (len(vault.inbox.all(InboxState.NEW)), "wish to answer", "wishes to answer"),
    )
    return (counted(*each) for each in counts if each[0])
