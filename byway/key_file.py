"""The key file: 32 secret bytes that make a node what it is, on disk for its owner alone.

The file is text, one comment and the bytes in base32, so that it can be printed, copied by hand and put in a safe.
It is made once and never overwritten.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from byway.errors import SetupError, StatementError
from byway.protocol.urn import KEY_BYTES, from_base32, to_base32

COMMENT: Final = "# A secret key. Who has it can act as its owner: keep a copy in a safe place, show it to nobody."

_MAX_FILE_BYTES: Final = 4096  # room for comments of one's own
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_key(path: Path, *, made_by: str = "byway init") -> bytes:
    """The 32 bytes in the key file at `path`; `made_by` is the command that makes one.

    Raises `SetupError` with the command to type: `key-missing`, `key-exposed` (group or others have any right to the
    file), `key-damaged`, `data-unreadable`.
    """
    name = shlex.quote(str(path))
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE_BYTES)
    except FileNotFoundError:
        raise SetupError(f"there is no key file at {path}", code="key-missing", next_step=made_by) from None
    except OSError as error:
        sentence = f"the key file {path} cannot be read: {error.strerror}"
        raise SetupError(sentence, code="data-unreadable", next_step=f"ls -ld {name}") from None
    if mode & _OTHERS:
        sentence = f"the key file {path} can be used by others on this computer (mode {stat.S_IMODE(mode):04o})"
        raise SetupError(sentence, code="key-exposed", next_step=f"chmod 600 {name}")
    try:
        (text,) = (line for line in data.decode("ascii").splitlines() if line and not line.startswith("#"))
        return from_base32(text.strip())
    except (ValueError, StatementError):
        sentence = f"the key file {path} does not hold a key; put a copy in its place, or set it aside and begin anew"
        raise SetupError(sentence, code="key-damaged", next_step=f"mv {name} {name}.damaged && {made_by}") from None


def create_key(path: Path, random: Callable[[int], bytes]) -> bytes:
    """Make a key file of 32 bytes from `random` at `path`, for its owner alone; when this returns it is on disk.

    The folder is made where it is missing.  Raises `FileExistsError` if there is a file already, which stays as it is,
    and another `OSError` if none can be written, which leaves no half of a file behind.
    """
    key = random(KEY_BYTES)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path.parent)) from None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{COMMENT}\n{to_base32(key)}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key
