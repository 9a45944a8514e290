"""Mosquitto with persistent sessions."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from benchmarks.peers.client import WINDOW
from benchmarks.peers.peer import (
    LOOPBACK,
    Peer,
    Server,
    command,
    free_port,
    output_of,
    packages,
    server_folder,
    started,
)

PROGRAM: Final = "mosquitto"

# Sessions are saved every half an hour and at the end, which is the default.  By default a queue takes 1,000 messages,
# and what comes then is lost.
SETTINGS: Final = """\
listener {port} {loopback}
allow_anonymous true
persistence true
persistence_location {folder}/
max_queued_messages 0
max_inflight_messages {window}
log_type error
"""


@contextmanager
def running() -> Generator[Server]:
    """One broker."""
    port = free_port()
    with server_folder() as folder:
        settings = folder / "mosquitto.conf"
        text = SETTINGS.format(loopback=LOOPBACK, port=port, folder=folder, window=WINDOW)
        if os.geteuid() == 0:
            text += "user root\n"  # to whom the folder belongs
        settings.write_text(text)
        with started(command(PROGRAM, "-c", settings), port, folder) as server:
            yield server


def _versions() -> dict[str, str]:
    said, *_ = output_of(command(PROGRAM, "-h")).splitlines()
    return {PROGRAM: said.split()[-1], **packages("paho-mqtt")}


MOSQUITTO: Final = Peer(
    "mosquitto",
    checks=False,
    program=PROGRAM,
    install="apt-get install mosquitto",
    library="paho",
    running=running,
    versions=_versions,
)
