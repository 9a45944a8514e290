"""RabbitMQ with quorum queues, of one node."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

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

PROGRAM: Final = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one on the path insists on being a service
SETTINGS: Final = """\
listeners.tcp.1 = {loopback}:{port}
log.file.level = warning
"""


@contextmanager
def running() -> Generator[Server]:
    """A node with a folder, a name and a port mapper of its own, so that it meets no other node of this machine."""
    port, mapper_port = free_port(), free_port()
    with server_folder() as folder, _port_mapper(mapper_port):
        (folder / "rabbitmq.conf").write_text(SETTINGS.format(loopback=LOOPBACK, port=port))
        (folder / "plugins").write_text("[].\n")
        (folder / "environment").touch()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),  # where the cookie is made
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(mapper_port),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_NODENAME": "bench@localhost",
            "RUNNING_UNDER_SYSTEMD": "1",  # become the server, instead of waiting for it
        }
        with started(command(PROGRAM), port, folder, environment) as server:
            yield server


@contextmanager
def _port_mapper(port: int) -> Generator[None]:
    """The server starts one by itself, which outlives it, unless there is one."""
    process = subprocess.Popen(command("epmd", "-address", LOOPBACK, "-port", str(port)))
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _versions() -> dict[str, str]:
    said = output_of(command("dpkg-query", "--show", "--showformat", "${Version}", "rabbitmq-server"))
    return {"rabbitmq-server": said, **packages("pika")}


RABBITMQ: Final = Peer(
    "rabbitmq",
    checks=False,
    program=PROGRAM,
    install="apt-get install rabbitmq-server",
    library="pika",
    running=running,
    versions=_versions,
)
