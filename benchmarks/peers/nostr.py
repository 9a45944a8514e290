"""A Nostr relay written in Python, on SQLite."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Final

from benchmarks.peers.peer import (
    LOOPBACK,
    PYTHON_PACKAGES,
    Peer,
    Server,
    command,
    free_port,
    packages,
    server_folder,
    started,
)

PROGRAM: Final = "nostr-relay"

# As its makers give them, but that a line is not logged for each event.  It sets synchronous=NORMAL with a write-ahead
# log, so that the disk is not flushed before a confirmation.
SETTINGS: Final = """\
relay_name: benchmark
storage:
  sqlalchemy.url: sqlite+aiosqlite:///{folder}/nostr.sqlite3
  num_concurrent_adds: 2
  validators:
    - nostr_relay.validators.is_not_too_large
    - nostr_relay.validators.is_signed
    - nostr_relay.validators.is_recent
    - nostr_relay.validators.is_not_hellthread
hellthread_limit: 100
gunicorn:
  bind: {loopback}:{port}
  workers: 1
  loglevel: warning
logging:
  version: 1
  root:
    level: WARNING
"""


@contextmanager
def running() -> Generator[Server]:
    """One worker, because several would tell each other of events through the store."""
    port = free_port()
    with server_folder() as folder:
        settings = folder / "relay.yaml"
        settings.write_text(SETTINGS.format(loopback=LOOPBACK, port=port, folder=folder))
        with started(command(PROGRAM, "--config", settings, "serve"), port, folder) as server:
            yield server


NOSTR: Final = Peer(
    "nostr",
    checks=True,
    program=PROGRAM,
    install=PYTHON_PACKAGES,
    library="websockets",
    running=running,
    versions=partial(packages, "nostr-relay", "websockets"),
    slower=8,
)
