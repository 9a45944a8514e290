"""The vault as a whole."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from byway.protocol.limits import DAY_MS
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


def open_vault(home: Path) -> Vault:
    """Open the vault in the home folder; a new one is made where there is none.

    Raises `StoreError`: `store-locked`, `store-damaged`, `store-full`, `store-failed`.
    """
    return Vault(open_database(home / VAULT_FILE))
