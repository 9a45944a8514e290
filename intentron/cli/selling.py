"""`intentron subscribe`, `inbox`, `offer`, `answers`: what a seller hears, and says."""

from __future__ import annotations

from intentron.cli.options import Options

DEFAULT = Options()


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
    from intentron.cli.show import address_text, fact, waits

    body = {"pattern": pattern, "filter": filter, "name": name, "router": router}
    made = ask(options, "POST", "/subscriptions", body, usage="subscribe")
    if options.printed(made):
        return
    fact("subscribed", made["name"])
    fact("topics", made["pattern"])
    fact("filter", made["filter"] or "none: every wish")
    fact("router", address_text(made["router"]))
    waits([made])
    fact("next", options.command("inbox"))


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
    fact("price", made["price"])
    fact("terms", made["terms"] or "none are agreed to")
    fact("ends", moment(made["expires"], now_ms()))
    fact("replaces", ", ".join(made["replaces"]))
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
