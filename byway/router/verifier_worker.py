"""A worker of `byway.router.verifier`: a process that verifies, and imports nothing that it does not need for that.

It is started beside each router, once for each core, and should cost a start next to nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from typing import Final

from byway.protocol.statement import is_signed

LENGTH: Final = struct.Struct(">I")  # before a batch, and before each statement in it


def work(connection: socket.socket) -> None:
    """Answer batches with one byte for each statement until the other end closes."""
    with connection.makefile("rb") as requests:
        while header := requests.read(LENGTH.size):
            packed = memoryview(requests.read(LENGTH.unpack(header)[0]))
            verdicts = bytearray()
            at = 0
            while at < len(packed):
                (length,) = LENGTH.unpack_from(packed, at)
                at += LENGTH.size
                verdicts.append(is_signed(bytes(packed[at : at + length])))
                at += length
            connection.sendall(verdicts)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the router's to handle; it closes the socket
    with contextlib.suppress(ConnectionError), socket.socket(fileno=os.dup(0)) as pair:
        work(pair)
