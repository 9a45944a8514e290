"""`intentron status`: how it stands, and what waits for what."""

from __future__ import annotations

from typing import Any

from intentron.cli.options import Options

DEFAULT = Options()


def status(*, options: Options = DEFAULT) -> None:
    """Tell how your intentron stands: what is open, what came, and what waits for whom.

    Parameters
    ----------
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import address_text, fact

    told = ask(options, "GET", "/status")
    if options.printed(told):
        return
    fact("running", f"for {options.folder}")
    if told["sells"]:
        fact("you sell as", told["node"])
    fact("router", address_text(told["router"]) or "none set for topics under open")
    fact("mailboxes", address_text(told["messaging"]) or "none set for topics under open")
    for authority in told["authorities"]:
        fact("names", address_text(authority))
    for what in ("casts", "offers", "inbox", "answers"):
        fact(what, ", ".join(f"{count} {state}" for state, count in told[what].items()) or "none")
    for waiting in told["waiting"]:
        fact("waiting", waiting)
    for refused in told["refused"]:
        fact("refused", f"{refused['name']}: {refused['reason']} [{refused['code']}]; {refused['next_step']}")
    fact("next", options.command(_next(told)))


def _next(told: dict[str, Any]) -> str:
    """What there is to do: offers first, then wishes to answer, then to look on; at the beginning, to ask."""
    if told["offers"].get("offered"):
        return "offers"
    if told["inbox"].get("new"):
        return "inbox"
    if told["casts"]:
        return "casts"
    if told["inbox"] or told["answers"]:
        return "answers"
    return "cast open:homes:boston --facet beds=2 --dry-run"
