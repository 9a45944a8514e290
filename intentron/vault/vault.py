"""The vault as a whole."""

from __future__ import annotations

import shlex
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from byway.errors import StoreError
from byway.protocol.limits import DAY_MS
from intentron.keys import KEY_FILE, Keys
from intentron.vault.agreements import Agreements
from intentron.vault.answers import Answers
from intentron.vault.casts import Casts
from intentron.vault.database import Database, open_database
from intentron.vault.events import Events
from intentron.vault.inbox import Inbox
from intentron.vault.names import Names
from intentron.vault.offers import Offers
from intentron.vault.outbox import Outbox
from intentron.vault.rules import Rules
from intentron.vault.stock import Stock
from intentron.vault.subscriptions import Subscriptions

VAULT_FILE: Final = "vault.sqlite"
HISTORY_MS: Final = 90 * DAY_MS  # what is over can be looked at for so long


class Ended(NamedTuple):
    """How many of each have expired since the last look."""

    casts: int
    offers: int
    inbox: int
    outgoing: int
    answers: int  # without those that were never sent


class Vault:
    """One person's memory, in the folder `home`.  One process at a time has it open, one thread at a time uses it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.home = database.path.parent
        self.names = Names(database)
        self.casts = Casts(database, self.names)
        self.offers = Offers(database, self.names)
        self.agreements = Agreements(database)
        self.subscriptions = Subscriptions(database)
        self.inbox = Inbox(database, self.names)
        self.outbox = Outbox(database)
        self.answers = Answers(database, self.names, self.outbox)
        self.stock = Stock(database)
        self.rules = Rules(database)
        self.events = Events(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back.  Nothing is lost without it: every change was durable when its method returned."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All changes inside are made together, or, if an exception leaves the block, none of them."""
        return self._database.transaction()

    def belong_to(self, keys: Keys) -> None:
        """Note whose vault this is, once; an old vault that does not say is judged by what was signed in it.

        Raises `StoreError` (`store-foreign`) if it belongs to other keys: nothing in it could be opened with these.
        """
        key = bytes(keys.identity().verify_key)
        with self._database.transaction():
            row = self._database.row("SELECT owner FROM vault")
            owner = row[0] if row else None
            if owner == key:
                return
            if owner is not None or not self._signed_with(keys):
                raise StoreError(
                    f"the vault in {self.home} belongs to another key than the one that is there",
                    code="store-foreign",
                    next_step=keep_or_part(self.home),
                )
            self._database.change("UPDATE vault SET owner = ?", (key,))

    def note_time(self, now: int) -> None:
        """Keep the node's own time, so that its next start can judge the clock of the computer."""
        self._database.change("UPDATE vault SET noted_at = ?", (now,))

    def noted_time(self) -> int | None:
        """The last time that was noted, in Unix milliseconds; None in a vault that never ran."""
        row = self._database.row("SELECT noted_at FROM vault")
        return row[0] if row else None

    def expire(self, now: int) -> Ended:
        """End what is over at `now` and was still open; what somebody decided about stays as decided."""
        with self._database.transaction():
            return Ended(
                casts=self.casts.expire(now),
                offers=self.offers.expire(now),
                inbox=self.inbox.expire(now),
                outgoing=self.outbox.expire(now),
                answers=self.answers.expire(now),
            )

    def forget(self, now: int) -> None:
        """Drop what is over at `now` and has no more worth; agreements, and what they are about, stay."""
        with self._database.transaction():
            self.outbox.forget(now)
            self.answers.forget(now - HISTORY_MS)
            self.inbox.forget(now - HISTORY_MS)
            self.offers.forget(now - HISTORY_MS)
            self.events.forget()

    def _signed_with(self, keys: Keys) -> bool:
        signers = [(cast.statement, keys.cast(cast.salt)) for cast in self.casts.all()[:1]]
        signers += [(answer.statement, keys.identity()) for answer in self.answers.all()[:1]]
        return all(statement.signer == bytes(key.verify_key) for statement, key in signers)


def holds_a_vault(home: Path) -> bool:
    """Whether there is a vault in the folder `home` that may belong to somebody already."""
    try:
        return (home / VAULT_FILE).stat().st_size > 0
    except OSError:
        return False


def keep_or_part(home: Path) -> str:
    """What can be done where the key in the folder `home` is not the one that its vault was made with."""
    place, aside = shlex.quote(str(home)), shlex.quote(str(home / "other-key"))
    return (
        f"put the key file that the vault was made with back: {shlex.quote(str(home / KEY_FILE))}; or set the vault "
        f"aside and begin anew: mkdir {aside} && mv {place}/{VAULT_FILE}* {aside} && intentron init --home {place}"
    )


def open_vault(home: Path) -> Vault:
    """Open the vault in the home folder; a new one is made where there is none.

    Raises `StoreError`: `store-locked`, `store-damaged`, `store-full`, `store-failed`.
    """
    return Vault(open_database(home / VAULT_FILE))
