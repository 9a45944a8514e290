"""`intentron casts` and `close`: what was asked, and how to take it back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from intentron.cli.options import Options

DEFAULT = Options()

_ENDS: Final = frozenset({"waiting", "published", "expired"})  # the others were over before their time


def casts(cast: str | None = None, /, *, options: Options = DEFAULT) -> None:
    """List what you asked for, with what became of it; or tell all about one of them.

    Parameters
    ----------
    cast:
        The short name of one of them.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask, path_of

    kept = ask(options, "GET", path_of("casts", cast) if cast else "/casts")
    if options.printed(kept):
        return
    if cast:
        _tell(kept, options)
    else:
        _list(kept, options)


def _list(kept: list[dict[str, Any]], options: Options) -> None:
    from intentron.cli.show import facets_text, fact, now_ms, relative, table, topic_text, waits

    if not kept:
        fact("casts", "none yet")
        fact("next", options.command("cast open:homes:boston --facet beds=2 --dry-run"))
        return
    now = now_ms()
    table(
        ("cast", "wish", "state", "offers", "ends"),
        (
            (
                cast["name"],
                cast["sentence"] or f"{topic_text(cast['topic'])}: {facets_text(cast['facets'])}".rstrip(": "),
                f"{cast['state']}: {cast['code']}" if cast["code"] else cast["state"],
                f"{cast['offers']}/{cast['max_offers']}",
                relative(cast["expires"], now) if cast["state"] in _ENDS else "",
            )
            for cast in kept
        ),
        numbers=("offers",),
    )
    waits(kept)
    _refusals(cast for cast in kept if cast["expires"] > now)
    offered = next((cast for cast in kept if cast["offers"]), None)
    fact("next", options.command(f"offers {offered['name']}" if offered else f"casts {kept[0]['name']}"))


def _tell(cast: dict[str, Any], options: Options) -> None:
    from intentron.cli.show import address_text, demand_lines, fact, moment, now_ms, topic_text, waits

    now = now_ms()
    fact("cast", f"{cast['name']}  {cast['sentence']}".rstrip())
    fact("topic", topic_text(cast["topic"]))
    for name, value in cast["facets"].items():
        fact("", f"{name} {value}")
    for line in demand_lines(cast["demand"]):
        fact("", line)
    fact("terms", ", ".join(cast["terms"]) or "none are asked for")
    fact("state", f"{cast['state']} {cast['code']}")
    if receipt := cast["receipt"]:
        where = f"{address_text(cast['router'])} signed for it, {receipt['durable']}"
        fact("receipt", f"{where}, {moment(receipt['at'], now)}")
    fact("mailbox", address_text(cast["authority"]))
    fact("made", moment(cast["made_at"], now))
    if cast["state"] in _ENDS:
        fact("ends", moment(cast["expires"], now))
    fact("offers", f"{cast['offers']} of at most {cast['max_offers']}")
    waits([cast])
    _refusals([cast])
    fact("next", options.command(f"offers {cast['name']}"))


def _refusals(casts: Iterable[dict[str, Any]]) -> None:
    """Why each that was refused was refused, and what can be done about it."""
    from intentron.cli.show import fact

    for cast in casts:
        if cast["state"] == "refused":
            fact(cast["name"], f"refused: {cast['reason']} [{cast['code']}]")
            fact("", cast["next_step"])


def close(cast: str, /, *, options: Options = DEFAULT) -> None:
    """Take a wish back: routers stop handing it out.

    Parameters
    ----------
    cast:
        Its short name, as `intentron casts` shows it.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask, path_of
    from intentron.cli.show import fact

    closed = ask(options, "POST", path_of("casts", cast, "close"))
    if not options.printed(closed):
        fact("closed", f"{closed['name']}  {closed['sentence']}".rstrip())
        if closed["sent"]:
            fact("", "no more offers are taken; its routers are told as soon as they can be reached")
        else:
            fact("", "it was taken back before it left; nobody was told")
        fact("next", options.command("casts"))
