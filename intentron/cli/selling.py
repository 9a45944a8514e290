"""`intentron subscribe`, `inbox`, `offer`, `answers`: what a seller hears, and says."""

from __future__ import annotations

import time
from typing import Any, Final

from intentron.cli.options import Options

DEFAULT = Options()
SETTLED_WITHIN_S: Final = 3.0  # how long a seller waits for a router before she is told that it is tried again
LOOK_EVERY_S: Final = 0.05


def subscribe(
    pattern: str,
    /,
    *,
    filter: str = "",  # noqa: A002 - it is the name of the flag
    name: str | None = None,
    router: str | None = None,
    options: Options = DEFAULT,
) -> None:
    """Listen for wishes.  It is free, and durable: what comes while you are away waits at the router.

    Parameters
    ----------
    pattern:
        Which topics: open:homes:boston, open:food:** or a petname.
    filter:
        Which wishes there, as 'beds >= 2 && price >= money("500000.00", "USD")'. What a wish does not say is unknown,
        and passes.
    name:
        What to call the subscription; without it, the petname or the pattern.
    router:
        Where to listen, as urn:byway:node:KEY@HOST:PORT; without it, where the topic is served.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import address_text, fact
    from intentron.cli.understood import show_filter_slips

    body = {"pattern": pattern, "filter": filter, "name": name, "router": router}
    made = ask(options, "POST", "/subscriptions", body, usage="subscribe")
    made = _settled(made, options)
    if options.printed(made):
        return
    if made["state"] == "listening":
        fact("subscribed", made["name"])
    else:
        why = made["waiting_for"] or f"the router {address_text(made['router'])} has not answered yet"
        fact("waiting", f"{made['name']}: {why}")
        fact("", made["next_step"])
        fact("", "it is kept here, and tried again until the router is there")
    fact("topics", made["pattern"])
    fact("filter", made["filter"] or "none: every wish")
    show_filter_slips(made["filter"])
    fact("router", address_text(made["router"]))
    fact("next", options.command("inbox" if made["state"] == "listening" else "subscriptions"))


def _settled(made: dict[str, Any], options: Options) -> dict[str, Any]:
    """The subscription once it is known whether the router has it, or what it waits for."""
    from intentron.cli.asking import ask

    give_up = time.monotonic() + SETTLED_WITHIN_S
    while made["state"] == "waiting" and not made["waiting_for"] and time.monotonic() < give_up:
        time.sleep(LOOK_EVERY_S)
        kept = ask(options, "GET", "/subscriptions")
        made = next((one for one in kept if one["name"] == made["name"]), made)
    return made


def unsubscribe(name: str, /, *, options: Options = DEFAULT) -> None:
    """Listen no more.  What came already stays.

    Parameters
    ----------
    name:
        What the subscription is called, as `intentron subscriptions` shows it.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask, path_of
    from intentron.cli.show import fact

    ended = ask(options, "DELETE", path_of("subscriptions", name))
    if not options.printed(ended):
        fact("ended", ended["name"])
        fact("next", options.command("subscriptions"))


def subscriptions(*, options: Options = DEFAULT) -> None:
    """List what you listen for.

    Parameters
    ----------
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import address_text, fact, table, waits

    kept = ask(options, "GET", "/subscriptions")
    if options.printed(kept):
        return
    if not kept:
        fact("subscribed", "to nothing yet")
        fact("next", options.command("subscribe 'open:homes:**'"))
        return
    table(
        ("name", "topics", "filter", "router", "state"),
        ((one["name"], one["pattern"], one["filter"], address_text(one["router"]), one["state"]) for one in kept),
    )
    waits(kept)
    fact("next", options.command("inbox"))


def inbox(*, options: Options = DEFAULT) -> None:
    """List the wishes that came to you.

    Parameters
    ----------
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import demand_lines, facets_text, fact, now_ms, relative, table, terms_text, topic_text

    came = ask(options, "GET", "/inbox")
    if options.printed(came):
        return
    if not came:
        fact("inbox", "empty")
        fact("next", options.command("subscriptions"))
        return
    now = now_ms()
    table(
        ("cast", "topic", "wish", "state", "ends"),
        (
            (
                cast["name"],
                topic_text(cast["topic"]),
                [
                    facets_text(cast["facets"]),
                    *demand_lines(cast["demand"]),
                    *map(terms_text, cast["terms"]),
                ],
                cast["state"],
                relative(cast["expires"], now),
            )
            for cast in came
        ),
    )
    new = [cast for cast in came if cast["state"] == "new"]
    offer_it = f"offer {new[0]['name']} --price '700000 USD' --title 'What you offer'" if new else "answers"
    fact("next", options.command(offer_it))


def offer(
    cast: str,
    /,
    *,
    title: str,
    price: str | None = None,
    description: str = "",
    hours: int | None = None,
    terms: str | None = None,
    options: Options = DEFAULT,
) -> None:
    """Answer a wish.  Only the person who made it can read the offer, and only there stands who you are.

    Parameters
    ----------
    cast:
        The short name of the wish, as `intentron inbox` shows it.
    title:
        What you offer, in a few words.
    price:
        What you ask for it, as '700000 USD'.
    description:
        All the rest that there is to say.
    hours:
        How many hours the offer stands.
    terms:
        The URN of the terms that you agree to, out of those of the wish.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask, path_of
    from intentron.cli.price import money_text
    from intentron.cli.show import fact, moment, now_ms

    price = money_text(price) if price is not None else None
    proposal = {"title": title, "price": price, "description": description, "hours": hours, "terms": terms}
    made = ask(options, "POST", path_of("inbox", cast, "offer"), proposal, usage="offer")
    if options.printed(made):
        return
    fact("offer", f"{made['name']}  {made['title']}")
    if made["replaces"]:
        fact("replaces", f"{', '.join(made['replaces'])}: of your offers to one wish only the last counts")
    fact("price", made["price"])
    fact("terms", made["terms"] or "none are agreed to")
    fact("ends", moment(made["expires"], now_ms()))
    fact("next", options.command("answers"))


def answers(*, options: Options = DEFAULT) -> None:
    """List the offers that you made, with what became of each.

    Parameters
    ----------
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import fact, now_ms, relative, table, waits

    made = ask(options, "GET", "/answers")
    if options.printed(made):
        return
    if not made:
        fact("answers", "none yet")
        fact("next", options.command("inbox"))
        return
    now = now_ms()
    table(
        ("offer", "cast", "what", "price", "state", "made"),
        (
            (
                one["name"],
                one["cast"],
                one["title"],
                one["price"],
                f"{one['state']}: {one['reason']}" if one["reason"] else one["state"],
                relative(one["made_at"], now),
            )
            for one in made
        ),
        numbers=("price",),
    )
    waits(made)
    fact("next", options.command("inbox"))
