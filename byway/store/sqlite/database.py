"""One connection that keeps its word: every write is a flushed transaction, and the first I/O error ends all writing.

SQLite itself would go on after a failed flush, although nobody knows then what is on the disk.  So the connection is
closed for writing, and left without a checkpoint: the next process finds the file as the error left it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import apsw

from byway.errors import StoreError
from byway.store.sqlite.faults import store_error

CHECKPOINT_PAGES: Final = 1000  # 4 MB of log: four times as much makes the longest commit four times as long


class Database:
    """The connection of a store.  Raises nothing but `StoreError` for what goes wrong in SQLite."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._failure: StoreError | None = None
        self._log_pages = 0
        connection.set_wal_hook(self._note_log)

    def query(self, sql: str, *bindings: apsw.Binding) -> list[Any]:
        """All rows of a statement that only reads.  This works after a failed write too."""
        try:
            return self._connection.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise self._fault(error) from error
        except UnicodeDecodeError as error:
            raise self._fault(apsw.CorruptError("text is not UTF-8")) from error

    def salvage(self, sql: str, *bindings: apsw.Binding) -> Iterator[Any]:
        """The rows before the first page that SQLite cannot make sense of.  Such a page does not end anything here.

        Raises `StoreError` for anything else.
        """
        try:
            yield from self._connection.execute(sql, bindings)
        except apsw.CorruptError:
            return
        except apsw.Error as error:
            raise self._fault(error) from error

    def transact(self, write: Callable[[apsw.Connection], None]) -> None:
        """Run `write` in one transaction and flush it.

        Raises `StoreError`.  With `store-full` nothing was written and the next call may succeed; after any other code
        nothing is known, and no later call writes.  What else `write` raises undoes it and is passed on.
        """
        self.check()
        try:
            self._checkpoint()
            self._connection.execute("BEGIN IMMEDIATE")
            write(self._connection)
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            self._undo()
            raise self._fault(error) from error
        except BaseException:
            self._undo()
            raise

    def check(self) -> None:
        """Raise `store-failed` if nothing more is taken."""
        if self._failure:
            raise StoreError(
                f"the store takes nothing more, because {self._failure}", next_step=self._failure.next_step
            ) from self._failure

    def stop(self, failure: StoreError) -> None:
        """Take nothing more."""
        self._failure = self._failure or failure
        try:
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        except apsw.Error:
            return  # it is closed already

    def close(self) -> None:
        """Give the file back.  Twice is once."""
        try:
            self._connection.set_wal_hook(None)
            self._connection.close()
        except apsw.ConnectionClosedError:
            return
        except apsw.Error as error:
            raise self._fault(error) from error

    def _checkpoint(self) -> None:
        """Before a transaction, not behind it: what fails here has not been promised to anybody."""
        if self._log_pages < CHECKPOINT_PAGES:
            return
        try:
            self._connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._log_pages = 0
        except apsw.FullError:
            return  # the log still has everything, and may have room where the database has not

    def _undo(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error as error:
            self.stop(store_error(error))

    def _fault(self, error: apsw.Error) -> StoreError:
        fault = store_error(error)
        if fault.code != "store-full":
            self.stop(fault)
        return fault

    def _note_log(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK
