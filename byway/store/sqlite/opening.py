"""Opens the file: ours alone, readable by nobody else, with settings that were asked for and then looked at."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from byway.errors import StoreError
from byway.store.sqlite.faults import store_error
from byway.store.sqlite.schema import STORE, Schema, migrate, version_of

OLDEST_SQLITE: Final = (3, 51, 3)  # before it, a write-ahead log that starts again at a bad moment damages the file
PAGE_BYTES: Final = 4096  # larger pages cost single casts 20 % more and save batches less
PIECE_BYTES: Final = 1 << 16  # SQLite itself writes pages, and takes no more than 131,071 bytes at a time
OWNER_ONLY: Final = 0o600
FOLDER_OWNER_ONLY: Final = 0o700

# name, what is asked for, what has to be there afterwards.  The order matters: only a connection that is exclusive
# before it turns the log on needs no shared memory.
_SETTINGS: Final = (
    ("locking_mode", "exclusive", "exclusive"),
    ("journal_mode", "wal", "wal"),
    ("synchronous", "full", 2),  # each commit is flushed before it returns
    ("fullfsync", 1, 1),  # also through the cache of the drive, where the system knows the difference
    ("checkpoint_fullfsync", 1, 1),
    ("wal_autocheckpoint", 0, 0),  # SQLite swallows the errors of its own checkpoints; the store does them
    ("secure_delete", 1, 1),  # what has expired is overwritten
    ("temp_store", "memory", 2),
    ("trusted_schema", 0, 0),
    ("cell_size_check", 1, 1),  # a damaged page is noticed where it is read
)


def open_connection(path: Path, *, vfs: str | None = None, schema: Schema = STORE) -> apsw.Connection:
    """A connection to the database at `path`, made if need be, at the version of `schema` that this program knows.

    What an earlier process wrote and did not flush, or could not, is flushed first, so that everything that can be
    read is durable.  Raises `StoreError`: `store-locked`, `store-damaged`, `store-full`, `data-unwritable` or
    `store-failed`.
    """
    if tuple(map(int, apsw.sqlite_lib_version().split("."))) < OLDEST_SQLITE:
        raise StoreError(
            f"SQLite {apsw.sqlite_lib_version()} can damage the store",
            next_step="install the apsw package with the SQLite that it brings along",
        )
    try:
        _make_file(path)
        connection = apsw.Connection(os.fspath(path), vfs=vfs)
        try:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # a start that fails leaves what it found
            _set_up(connection, schema, vfs)
            _keep_to_owner(path, Path(connection.filename_wal))
            _flush_folder(path.parent)
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        except BaseException:
            connection.close()
            raise
    except apsw.Error as error:
        raise store_error(error) from error
    except OSError as error:
        raise _unopened(path, error.strerror) from error
    return connection


def _make_file(path: Path) -> None:
    """Only ever makes a new file: to open and close one that SQLite has open would give up its locks."""
    path.parent.mkdir(mode=FOLDER_OWNER_ONLY, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ONLY))
    except FileExistsError:
        for place in (path.parent, path):
            if not os.access(place, os.W_OK):  # of which SQLite would say no more than that its log failed
                raise _unopened(path, f"{place} may not be written") from None


def _unopened(path: Path, why: object) -> StoreError:
    folder = shlex.quote(str(path.parent))
    return StoreError(
        f"the store at {path} cannot be opened: {why}",
        code="data-unwritable",
        next_step=f"df -h {folder}; ls -la {folder}",
    )


def _set_up(connection: apsw.Connection, schema: Schema, vfs: str | None) -> None:
    connection.pragma("locking_mode", "exclusive")
    version = version_of(connection, schema)  # before anything is written: it may be somebody else's file
    if version == 0:
        connection.pragma("page_size", PAGE_BYTES)
    for name, wanted, expected in _SETTINGS:
        connection.pragma(name, wanted)
        actual = connection.pragma(name)
        if actual != expected:
            raise StoreError(
                f"SQLite has {name} = {actual!r} where the store needs {expected!r}",
                next_step="put the data folder on a local disk",
            )
    _write_log_again(connection.filename_wal, vfs)  # of nobody else: since its version was read the file is locked
    migrate(connection, version, schema)
    with suppress(apsw.FullError):  # the log has everything, and the database may have room for it later
        connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _write_log_again(path: str, vfs: str | None) -> None:
    """Write the same bytes to the same places of the log, and flush them.

    A system that failed to flush them may keep them in memory and forget that the disk lacks them: this process reads
    them, no flush writes them, and a log from before them would be there after a cut of the power.  Source: Rebello and
    others, Can Applications Recover from fsync Failures?, USENIX ATC 2020.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_WAL
    log = apsw.VFSFile(vfs or "", path, [flags, 0])
    try:
        size = log.xFileSize()
        for offset in range(0, size, PIECE_BYTES):
            log.xWrite(log.xRead(min(PIECE_BYTES, size - offset), offset), offset)
        if size:
            log.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        log.xClose()


def _keep_to_owner(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            path.chmod(OWNER_ONLY)


def _flush_folder(folder: Path) -> None:
    """So that the names of the files survive a power cut as well as what is in them."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
