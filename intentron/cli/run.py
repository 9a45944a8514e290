"""`intentron run`: the node as a daemon."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from intentron.cli.options import Place

if TYPE_CHECKING:
    from intentron.node import Node
    from intentron.vault import Vault

HERE = Place()
CLOCK_STEP: Final = "set the clock of this computer: timedatectl; if it is right, stop the intentron and run it again"


def run(*, log: Literal["text", "json"] = "text", place: Place = HERE) -> None:
    """Run your intentron until Ctrl-C, SIGTERM or SIGHUP.  It listens on a socket for you alone, and on no network.

    Parameters
    ----------
    log:
        How log lines are written, to standard error.
    place:
        Where the intentron lives.
    """
    import trio

    from byway.cli.report import set_up_log
    from byway.cli.run import say
    from byway.link.dialer import open_link
    from byway.recovery import told_clock
    from intentron.api.listening import make_private, socket_path
    from intentron.keys import load_keys
    from intentron.node import Node
    from intentron.settings import load_settings
    from intentron.vault import open_vault

    home = place.folder
    settings = load_settings(home)
    keys = load_keys(home)
    socket_path(home)
    if make_private(home):
        say(f"closed      {home} (others on this computer could enter it)")
    with open_vault(home) as vault:
        set_up_log(log)
        clock = told_clock(None, next_step=CLOCK_STEP)
        node = Node(vault, keys, settings, now_ms=clock, random=os.urandom, open_link=open_link)
        trio.run(_serve, node, home, list(_recovered(vault)))


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

    counts = (
        (len(vault.casts.all(CastState.DRAFT, CastState.ACCEPTED)), "open cast", "open casts"),
        (len(vault.offers.all(OfferState.OFFERED)), "offer to look at", "offers to look at"),
        (len(vault.subscriptions.all()), "subscription", "subscriptions"),
        (len(vault.inbox.all(InboxState.NEW)), "wish to answer", "wishes to answer"),
    )
    return (counted(*each) for each in counts if each[0])
