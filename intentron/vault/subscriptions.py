"""What a seller listens for: durable wishes at routers, under the lasting key."""

from __future__ import annotations

from dataclasses import dataclass

from byway.node_address import NodeAddress, parse_node_address
from intentron.vault.database import Database


@dataclass(frozen=True, slots=True)
class Subscription:
    """A pattern and a filter (as people write it, empty for none) at one router; None if that is not known yet.

    Where its owner has not `named` the router, it goes where the settings and the records say.
    """

    sub: str
    pattern: str
    filter: str
    router: NodeAddress | None
    named: bool = False


class Subscriptions:
    """The subscriptions, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, subscription: Subscription) -> None:
        """Keep a subscription, in the place of the one of that name."""
        self._database.change(
            """
            INSERT INTO subscriptions (sub, pattern, filter, router, named) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (sub) DO UPDATE SET pattern = excluded.pattern, filter = excluded.filter,
                router = excluded.router, named = excluded.named
            """,
            (
                subscription.sub,
                subscription.pattern,
                subscription.filter,
                str(subscription.router or ""),
                subscription.named,
            ),
        )

    def get(self, sub: str) -> Subscription | None:
        return next((kept for kept in self.all() if kept.sub == sub), None)

    def place(self, sub: str, router: NodeAddress) -> None:
        """It goes there now, unless its owner has named another router."""
        self._database.change("UPDATE subscriptions SET router = ? WHERE sub = ? AND named = 0", (str(router), sub))

    def all(self) -> list[Subscription]:
        """Every subscription, by name."""
        rows = self._database.rows("SELECT sub, pattern, filter, router, named FROM subscriptions ORDER BY sub")
        return [
            Subscription(sub, pattern, text, parse_node_address(router) if router else None, bool(named))
            for sub, pattern, text, router, named in rows
        ]

    def remove(self, sub: str) -> bool:
        """Forget a subscription.  False if there was none of that name."""
        return self._database.change("DELETE FROM subscriptions WHERE sub = ?", (sub,)) == 1
