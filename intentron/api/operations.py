"""What the local API asks of the node behind it: the seam between HTTP and the deal.

`intentron.node.Node` is one; tests may put a smaller one in its place.  Everything comes back ready for JSON.
Times are Unix milliseconds.  A name is a short one, such as C-7K2M, in upper or lower case.
"""

from __future__ import annotations

from typing import Any, Protocol

Json = dict[str, Any]


class Operations(Protocol):
    """All that a person, or a seller, can ask of her node.  Each raises a `BywayError` that says what to do."""

    async def status(self) -> Json:
        """The node in short: `node` (the seller's URN), where it sends, what waits and for what, how many of each."""

    async def cast(self, wish: Json) -> Json:
        """Keep a new cast and begin to publish it; returns it as `casts` does.

        `wish`: topic (petname, `open:...` or URN), facets (values as `intentron.facet_text` reads them), demand,
        offers, terms, hours, sentence.
        """

    async def dry_run(self, wish: Json) -> Json:
        """What `cast` would send, and to whom; nothing is kept and nothing is sent.

        `topic`, `router`, `authority`; `disclosed`: rows of who, field, value, bytes; `statements`: name and hex.
        """

    async def casts(self) -> list[Json]:
        """name, topic, facets (name to words), sentence, state, waiting_for, made_at, expires, offers, max_offers."""

    async def cast_details(self, name: str) -> Json:
        """One of them, with demand, terms, router, authority, and the receipt in short."""

    async def offers(self, cast: str | None = None) -> list[Json]:
        """name, cast, title, description, price, terms, seller, state, reason, received_at, expires."""

    async def accept(self, offer: str) -> Json:
        """Agree to an offer; returns it as `offers` does."""

    async def decline(self, offer: str, reason: str) -> Json:
        """Tell the seller no; returns the offer as `offers` does."""

    async def close(self, cast: str) -> Json:
        """Take a cast back; returns it as `casts` does."""

    async def subscribe(self, name: str | None, pattern: str, filter_text: str, router: str | None) -> Json:
        """Listen for casts; returns the subscription as `subscriptions` does."""

    async def unsubscribe(self, name: str) -> Json:
        """Listen no more; returns what was given up."""

    async def subscriptions(self) -> list[Json]:
        """name, pattern, filter, router, state, waiting_for."""

    async def inbox(self) -> list[Json]:
        """name, topic, facets (name to words), demand, terms, sub, state, received_at, expires."""

    async def offer(self, cast: str, proposal: Json) -> Json:
        """Answer a cast of the inbox; returns the offer as `answers` does.

        `proposal`: price (`700000 USD`), title, description, hours, terms.
        """

    async def answers(self) -> list[Json]:
        """name, cast, title, price, terms, rule, state, waiting_for, reason, made_at, expires."""

    async def import_stock(self, name: str, column_map: str, csv: str, only: str | None, source: str) -> Json:
        """Make a sheet the whole of a stock list: name, items, sellers (name to items), problems (line, sentence).

        Without items the list stays as it was.
        """

    async def stock(self) -> list[Json]:
        """name, source, items, imported_at."""

    async def add_rule(self, rule: Json) -> Json:
        """Keep a standing rule, fields as in `intentron.stock.rule`; returns it as `rules` does."""

    async def remove_rule(self, name: str) -> Json:
        """Let a rule answer no more; returns its name."""

    async def rules(self) -> list[Json]:
        """name, stock, pattern, within_m, price, terms, offers_per_day, made_today."""

    async def events(self, after: int, wait_s: float) -> list[Json]:
        """Facts numbered above `after`, if need be after `wait_s` seconds: number, at, event, and what it is about."""
