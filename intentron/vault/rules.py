"""Standing rules: how a seller's stock answers by itself."""

from __future__ import annotations

from dataclasses import dataclass

from intentron.vault.database import Database


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's name, and its definition as text, which `intentron.stock.rule` reads."""

    name: str
    definition: str


class Rules:
    """The rules, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rule: Rule) -> None:
        """Keep a rule, in the place of the one of that name."""
        self._database.change(
            """
            INSERT INTO rules (name, definition) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET definition = excluded.definition
            """,
            (rule.name, rule.definition),
        )

    def get(self, name: str) -> Rule | None:
        row = self._database.row("SELECT name, definition FROM rules WHERE name = ?", (name,))
        return Rule(*row) if row else None

    def all(self) -> list[Rule]:
        """Every rule, by name."""
        return [Rule(*row) for row in self._database.rows("SELECT name, definition FROM rules ORDER BY name")]

    def remove(self, name: str) -> bool:
        """Forget a rule; subscriptions go on without it.  False if there is none of that name."""
        return self._database.change("DELETE FROM rules WHERE name = ?", (name,)) == 1
