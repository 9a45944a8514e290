"""`intentron offers`, `accept` and `decline`: what came in answer to a wish."""

from __future__ import annotations

import shlex
from typing import Any, Literal, get_args

from byway.errors import SetupError
from intentron.cli.options import Options

DEFAULT = Options()

Reason = Literal["price", "place", "time", "terms", "chosen-another", "other"]


def offers(cast: str | None = None, /, *, options: Options = DEFAULT) -> None:
    """List the offers that came, the cheapest first.  Only you can read them.

    Parameters
    ----------
    cast:
        The short name of one cast; all of them if left out.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask, path_of
    from intentron.cli.sellers import Sellers
    from intentron.cli.show import fact, now_ms, relative, table, terms_text

    came = ask(options, "GET", path_of("casts", cast, "offers") if cast else "/offers")
    if options.printed(came):
        return
    if not came:
        fact("offers", "none yet")
        fact("next", options.command("casts" if cast else "status"))
        return
    now = now_ms()
    sellers = Sellers.of(options)
    table(
        ("offer", "cast", "what", "price", "state", "ends"),
        (
            (
                offer["name"],
                offer["cast"],
                [
                    offer["title"],
                    offer["description"],
                    terms_text(offer["terms"]) if offer["terms"] else "",
                    f"from {sellers.short(offer['seller'])}",
                ],
                offer["price"],
                offer["state"],
                relative(offer["expires"], now),
            )
            for offer in came
        ),
        numbers=("price",),
    )
    standing = [offer for offer in came if offer["state"] == "offered"]
    fact("next", options.command(f"accept {standing[0]['name']}" if standing else "casts"))


def accept(offer: str, /, *, options: Options = DEFAULT) -> None:
    """Accept an offer: your cast's key and the seller's key sign the same agreement.

    Parameters
    ----------
    offer:
        Its short name, as `intentron offers` shows it.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask, path_of
    from intentron.cli.show import fact

    accepted = ask(options, "POST", path_of("offers", offer, "accept"))
    if not options.printed(accepted):
        _show("accepted", accepted, options)
        fact("agreement", "your cast's key has signed the seller's signed offer: two signatures, the same bytes")
        fact("", f"it is kept here, and {_told(accepted)}")
        fact("", f"more offers may come until {accepted['cast']} is closed")
        fact("next", options.command(f"close {accepted['cast']}"))


def decline(offer: str, /, *, reason: Reason | None = None, options: Options = DEFAULT) -> None:
    """Decline an offer.  The seller learns the reason, and nothing else.

    Parameters
    ----------
    offer:
        Its short name, as `intentron offers` shows it.
    reason:
        Why, in one word: it is all that the seller learns, and it stands.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask, path_of
    from intentron.cli.show import fact

    if reason is None:
        *most, last = get_args(Reason)
        raise SetupError(
            f"a decline says why, and stands: {', '.join(most)} or {last}",
            code="bad-request",
            next_step=options.command(f"decline {shlex.quote(offer)} --reason {last}"),
        )
    declined = ask(options, "POST", path_of("offers", offer, "decline"), {"reason": reason}, usage="decline")
    if not options.printed(declined):
        _show("declined", declined, options)
        fact("", _told(declined))
        fact("next", options.command(f"offers {declined['cast']}"))


def _told(answered: dict[str, Any]) -> str:
    if answered["told"]:
        return "the seller's mailbox has it"
    return "the seller is told as soon as the mailbox can be reached"


def _show(what: str, offer: dict[str, Any], options: Options) -> None:
    from intentron.cli.sellers import Sellers
    from intentron.cli.show import fact

    fact(what, f"{offer['name']}  {offer['title']}")
    fact("", offer["description"])
    fact("price", offer["price"])
    fact("terms", offer["terms"] or "none were agreed")
    fact("seller", Sellers.of(options).full(offer["seller"]))
    fact("reason", offer["reason"])
