"""Short names for people: C-XXXX for a cast, O-XXXX for an offer.

A name is a letter and the first four characters of the id in base32, upper case, and one more for as long as another
statement in this vault has that name.  Once given, a name stays.
"""

from __future__ import annotations

from typing import Final, Literal

from byway.protocol.urn import to_base32
from intentron.vault.database import Database

SHORTEST: Final = 4


class Names:
    """Gives names and finds what they mean."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, letter: Literal["C", "O"], statement_id: bytes) -> str:
        """The name of the statement, the one it has already if it has one."""
        known = self._database.row("SELECT name FROM names WHERE id = ?", (statement_id,))
        if known:
            return str(known[0])
        text = to_base32(statement_id).upper()
        length = SHORTEST
        while self.find(name := f"{letter}-{text[:length]}") is not None:
            length += 1
        self._database.change("INSERT INTO names (name, id) VALUES (?, ?)", (name, statement_id))
        return name

    def move(self, before: bytes, statement_id: bytes) -> None:
        """Another statement has the name from now on, in the place of one that is gone."""
        self._database.change("UPDATE names SET id = ? WHERE id = ?", (statement_id, before))

    def find(self, text: str) -> bytes | None:
        """The id of the statement that a person calls `text`, in upper or lower case; None if there is none."""
        row = self._database.row("SELECT id FROM names WHERE name = ?", (text.strip().upper(),))
        return row[0] if row else None
