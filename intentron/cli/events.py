"""`intentron events`: what happened, as it happens."""

from __future__ import annotations

import json
from typing import Any, Final

from intentron.cli.options import Options

DEFAULT = Options()
LOOK_S: Final = 25.0  # below the longest wait that the API takes

_FRAME: Final = frozenset({"number", "at", "event"})


def events(*, follow: bool = False, after: int = 0, options: Options = DEFAULT) -> None:
    """Tell what happened: casts published, offers received, offers sent, accepted, declined.

    Parameters
    ----------
    follow:
        Go on until Ctrl-C, each event when it happens.
    after:
        Leave out the events up to this number.
    options:
        Whose intentron, and for whom to write; with --json each event is one line.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import fact

    happened: list[dict[str, Any]] = ask(options, "GET", "/events", params={"after": after}, usage="events")
    if not (happened or follow or options.json):
        fact("events", "none yet")
        fact("next", options.command("events --follow"))
    while True:
        for event in happened:
            print(json.dumps(event, ensure_ascii=False) if options.json else _line(event), flush=True)
            after = event["number"]
        if not follow:
            return
        happened = ask(options, "GET", "/events", params={"after": after, "wait_s": LOOK_S})


def _line(event: dict[str, Any]) -> str:
    from byway.protocol.descriptions import printable
    from intentron.cli.show import clock

    about = "  ".join(f"{name} {value}" for name, value in event.items() if name not in _FRAME and value)
    return printable(f"{event['number']:>5}  {clock(event['at'])}  {event['event']}  {about}")
