"""`intentron rule`: how a seller's stock answers by itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from cyclopts import App

from byway.errors import SetupError
from byway.protocol.limits import MAX_METRES
from intentron.cli.options import Options

DEFAULT = Options()
HELP: Final = "intentron rule add --help"
MOST_KM: Final = MAX_METRES // 1000

app = App(name="rule", help="Let your stock answer wishes by itself, within limits that you set.")


@app.command
def add(
    name: str,
    /,
    *,
    list: str,  # noqa: A002 - it is the name of the flag
    topics: str | None = None,
    within_km: Decimal | None = None,
    price: str | None = None,
    per: str = "",
    terms: list[str] | None = None,
    offers_per_day: int | None = None,
    hours: int | None = None,
    message: str | None = None,
    options: Options = DEFAULT,
) -> None:
    """Offer, unasked, what fits out of a stock list to each wish that comes.

    Parameters
    ----------
    name:
        What to call the rule; one of that name is replaced.
    list:
        The stock list to look in.
    topics:
        The topics whose wishes it answers, as open:homes:** or a petname; without it, those of your one subscription.
    within_km:
        How far an item may be from the place that is wished for.
    price:
        What you ask, as '4.50 USD'; without it, the price of the item.
    per:
        What the price is for, as 'dozen'.
    terms:
        The URN of terms that you agree to; may be given more than once.
    offers_per_day:
        How many offers to make in a day.
    hours:
        How many hours an offer stands.
    message:
        What to say with it: '{name}, {price}'.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import fact

    if within_km is not None and not 0 <= within_km <= MOST_KM:
        raise SetupError(f"--within-km is {within_km}: it has to be 0 to {MOST_KM}", code="bad-request", next_step=HELP)
    given = {
        "within_m": None if within_km is None else int(within_km * 1000),
        "terms": terms,
        "offers_per_day": offers_per_day,
        "lifetime_hours": hours,
        "message": message,
    }
    body: dict[str, Any] = {
        "name": name,
        "stock": list,
        "pattern": topics,
        "price": {**_price(price), "per": per},
        **{key: value for key, value in given.items() if value is not None},
    }
    if topics is None:
        flags = {
            "within-km": within_km,
            "price": price,
            "per": per or None,
            "terms": terms,
            "offers-per-day": offers_per_day,
            "hours": hours,
            "message": message,
        }
        body["pattern"] = _only_subscription(options, f"rule add {shlex.quote(name)} --list {shlex.quote(list)}", flags)
    made = ask(options, "POST", "/rules", body, usage="rule add")
    if options.printed(made):
        return
    fact("rule", f"{made['name']}: offers what fits out of {made['stock']} to wishes under {made['pattern']}")
    fact("limits", f"the one that fits best to each wish, {made['offers_per_day']} a day")
    fact("next", options.command("answers"))


@app.command
def remove(name: str, /, *, options: Options = DEFAULT) -> None:
    """Let a rule answer no more.  The offers that it has made stand.

    Parameters
    ----------
    name:
        What the rule is called, as `intentron rules` shows it.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask, path_of
    from intentron.cli.show import fact

    removed = ask(options, "DELETE", path_of("rules", name))
    if not options.printed(removed):
        fact("ended", removed["name"])
        fact("next", options.command("rules"))


def rules(*, options: Options = DEFAULT) -> None:
    """List your standing rules.

    Parameters
    ----------
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import fact, table

    kept = ask(options, "GET", "/rules")
    if options.printed(kept):
        return
    if not kept:
        fact("rules", "none yet")
        fact("next", options.command("rule add homes --list homes"))
        return
    table(
        ("rule", "list", "topics", "within", "price", "a day"),
        (
            (
                one["name"],
                one["stock"],
                one["pattern"],
                None if one["within_m"] is None else f"{one['within_m'] / 1000:g} km",
                _price_text(one["price"]),
                one["offers_per_day"],
            )
            for one in kept
        ),
        numbers=("a day",),
    )
    fact("next", options.command("answers"))


def _price(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    from intentron.cli.price import read_price

    amount, currency = read_price(text)
    return {"amount": amount, "currency": currency}


def _price_text(price: dict[str, Any]) -> str:
    if price["amount"] is None:
        return "the item's"
    return f"{price['amount']} {price['currency']}{' per ' if price['per'] else ''}{price['per']}"


def _only_subscription(options: Options, command: str, flags: Mapping[str, Any]) -> str:
    """The one pattern that is listened for.  Raises `SetupError` with the whole command, as it was typed and mended."""
    from intentron.cli.asking import ask

    patterns = {one["pattern"] for one in ask(options, "GET", "/subscriptions")}
    if len(patterns) == 1:
        return str(patterns.pop())
    typed = [command, f"--topics {shlex.quote(min(patterns, default=''))}"]
    for flag, value in flags.items():
        given = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        typed += [f"--{flag} {shlex.quote(str(one))}" for one in given if one is not None]
    raise SetupError(
        f"which topics is it for? You listen to {', '.join(sorted(patterns))}"
        if patterns
        else "which topics is it for? You listen to none yet",
        code="bad-request",
        next_step=options.command(" ".join(typed) if patterns else "subscribe 'open:homes:**'"),
    )
