"""The Unix socket of one intentron: in its home folder, for its owner alone, and never two at a time."""

from __future__ import annotations

import os
import shlex
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from byway.errors import SetupError, StoreError

SOCKET_FILE: Final = "intentron.sock"
MAX_PATH_BYTES: Final = 107  # what the address of a Unix socket holds on Linux

_BACKLOG: Final = 64
_OWNER_ONLY: Final = 0o600


def socket_path(home: Path) -> Path:
    """Where the intentron in the folder `home` listens.  Raises `SetupError` if no socket can have that path."""
    path = home / SOCKET_FILE
    size = len(os.fsencode(path))
    if size > MAX_PATH_BYTES:
        shorter = "~/.intentron"
        moved = f"mv {shlex.quote(str(home))} {shorter} && " if home.exists() else ""
        raise SetupError(
            f"the path of the socket {path} has {size} bytes, and a socket's may have {MAX_PATH_BYTES}: "
            "the home folder needs a shorter path",
            next_step=f"{moved}intentron {'run' if moved else 'init'} --home {shorter}",
        )
    return path


def is_answered(path: Path) -> bool:
    """Whether a process listens on the socket at `path`.  Raises `SetupError` if it may not be asked."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError as error:
            raise SetupError(
                f"the socket {path} cannot be used: {error.strerror}", next_step=f"ls -l {shlex.quote(str(path))}"
            ) from None
    return True


@contextmanager
def listening(home: Path) -> Iterator[socket.socket]:
    """A socket that listens in the folder `home`; its file is gone after the block.

    The file that a killed process left behind is replaced.  Raises `StoreError` (`store-locked`) if an intentron
    answers there, and `SetupError` if the path is too long, or is no socket.
    """
    path = socket_path(home)
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        before = os.umask(~_OWNER_ONLY & 0o777)
        try:
            listener.bind(str(path))
        except OSError as error:
            raise SetupError(
                f"the socket {path} cannot be made: {error.strerror}", next_step=f"ls -ld {shlex.quote(str(home))}"
            ) from None
        finally:
            os.umask(before)
        ours = path.stat().st_ino
        listener.listen(_BACKLOG)
        try:
            yield listener
        finally:
            if path.exists() and path.stat().st_ino == ours:
                path.unlink()


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SetupError(f"{path} is in the way: it is no socket", next_step=f"ls -l {shlex.quote(str(path))}")
    if not is_answered(path):
        path.unlink(missing_ok=True)
        return
    raise StoreError(
        f"an intentron runs already for {path.parent}",
        code="store-locked",
        next_step=f"intentron status --home {shlex.quote(str(path.parent))}",
    )
