"""`intentron cast`: says what is wanted, or shows first, byte for byte, what that would be."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from byway.errors import BywayError, SetupError
from intentron.cli.options import Options

Json = dict[str, Any]

DEFAULT = Options()
SETTLED_WITHIN_S: Final = 3.0  # how long a person waits for a router before she is told that it is tried again
LOOK_EVERY_S: Final = 0.05


def cast(
    topic: str | None = None,
    /,
    *,
    facet: list[str] | None = None,
    sentence: str | None = None,
    from_file: Annotated[Path | None, Parameter(name="--from")] = None,
    offers: int | None = None,
    hours: int | None = None,
    terms: list[str] | None = None,
    dry_run: bool = False,
    options: Options = DEFAULT,
) -> None:
    """Say what you want: publish a wish to a topic.  The key that signs it is used for nothing else.

    Parameters
    ----------
    topic:
        Where to say it: a petname, open:homes:boston, or a topic's URN.
    facet:
        What everybody may read and filter by, as 'beds=2..', 'price=..800000 USD', 'zip={02127, 02116}'; may be given
        more than once.
    sentence:
        The wish in your own words. It stays on this computer.
    from_file:
        A TOML or JSON file with topic, facets, demand, offers, terms, hours, sentence. What is given here wins.
    offers:
        How many offers to take.
    hours:
        How many hours the wish stands.
    terms:
        The URN of terms that sellers have to agree to, the preferred one first; may be given more than once.
    dry_run:
        Show exactly what would leave this computer, and who would see it. Nothing is sent.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.wish_file import read_wish

    wish: Json = read_wish(from_file) if from_file else {}
    flags = {"topic": topic, "sentence": sentence, "offers": offers, "hours": hours, "terms": terms}
    wish |= {name: value for name, value in flags.items() if value is not None}
    wish["facets"] = wish.get("facets", {}) | _facets(facet or [])
    if not wish.get("topic"):
        raise SetupError(
            "a wish needs a topic",
            code="bad-request",
            next_step=options.command("cast open:homes:boston --facet beds=2"),
        )
    if dry_run:
        would = ask(options, "POST", "/casts", {**wish, "dry_run": True}, usage="cast")
        if not options.printed(would):
            from intentron.cli.dry_run import show

            show(would, wish["facets"])
        return
    kept = ask(options, "POST", "/casts", wish, usage="cast")
    kept = _settled(kept, options)
    if not options.printed(kept):
        _show(kept, wish["facets"], options)
    if kept["state"] == "refused":
        raise BywayError(
            f"{kept['name']} was refused: {kept['reason']}", code=kept["code"], next_step=kept["next_step"]
        )


def _facets(texts: list[str]) -> dict[str, str]:
    from intentron.facet_text import parse_facet_text

    values: dict[str, str] = {}
    for text in texts:
        name, _ = parse_facet_text(text)
        if name in values:
            raise SetupError(
                f"the facet {name} is given twice", code="bad-request", next_step=f"write a set: '{name}={{one, two}}'"
            )
        values[name] = text.partition("=")[2]
    return values


def _settled(kept: Json, options: Options) -> Json:
    """The cast once it is known whether the router has it, or what it waits for."""
    from intentron.cli.asking import ask

    give_up = time.monotonic() + SETTLED_WITHIN_S
    while kept["state"] == "waiting" and not kept["waiting_for"] and time.monotonic() < give_up:
        time.sleep(LOOK_EVERY_S)
        kept = ask(options, "GET", f"/casts/{kept['name']}")
    return kept


def _show(kept: Json, facets: Json, options: Options) -> None:
    from intentron.cli.show import address_text, fact, moment, now_ms, topic_text
    from intentron.cli.understood import show_facets

    fact("cast", f"{kept['name']}  {kept['sentence']}".rstrip())
    fact("topic", topic_text(kept["topic"]))
    show_facets(facets)
    if kept["state"] == "published":
        fact("published", f"at the router {address_text(kept['router'])}, which has signed for it")
    elif kept["state"] == "waiting":
        fact("waiting", kept["waiting_for"] or f"for the router {address_text(kept['router'])}".rstrip())
        fact("", kept["next_step"])
        fact("", "it is kept here, and tried again until it is taken: nothing is lost")
    if kept["state"] != "refused":
        fact("ends", moment(kept["expires"], now_ms()))
        fact("next", options.command(f"offers {kept['name']}" if kept["state"] == "published" else "casts"))
