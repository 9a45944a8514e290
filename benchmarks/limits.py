"""What this machine can do at best, right now: the limits that figures are multiples of.

Machines differ, a shared one drifts by half within minutes, and two cores that are both busy may be slower than one
alone.  So limits are measured before and after each round, on the same cores and the same disk, and a verification also
while it lasts; a round counts in the means.
"""

from __future__ import annotations

import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

from nacl.bindings import crypto_sign_open
from nacl.signing import SigningKey

from byway.protocol.statement import HEADER, Kind, Statement, make_statement

VERIFICATION: Final = "libsodium verifications"
CORES: Final = "cores that do nothing but verify"

BODY_BYTES: Final = 1024  # of a cast of the smallest size class

_VERIFICATIONS: Final = 150
_NOT_COUNTED: Final = 5  # the first ones find other data in the caches
_AT_A_LOOK: Final = 10
_LOOK_EVERY_S: Final = 0.1
_FLUSHES: Final = 15
_COPIES: Final = 400
_COPIED_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class Limits:
    """Seconds: CPU time of a verification and of a copied byte, wall time of a flush."""

    verification_s: float = 0.0
    """One libsodium verification of a cast of the smallest size class: CPU."""
    flush_s: float = 0.0
    """Append 4 kB to a file and fdatasync it, the middle of several: wall time."""
    copy_s: float = 0.0
    """Write a cast of the smallest size class to a socket on loopback and read it there, in pieces of 64 kB: CPU."""


@contextmanager
def limits_around() -> Generator[Limits]:
    """Measure the limits before the block and after it; what is given has their means once the block is over.

    What a verification takes is looked at ten times a second in between, for a hundredth of one core.
    """
    before = measure_limits()
    limits = Limits()
    with _looking() as seen:
        yield limits
    after = measure_limits()
    limits.verification_s = statistics.median([before.verification_s, *seen, after.verification_s])
    limits.flush_s = (before.flush_s + after.flush_s) / 2
    limits.copy_s = (before.copy_s + after.copy_s) / 2


def measure_limits() -> Limits:
    """The limits at this moment; takes some 30 ms."""
    return Limits(verification_s(), flush_s(), copy_s())


def verification_s(times: int = _VERIFICATIONS) -> float:
    """CPU seconds of one libsodium verification, the mean of so many behind some that are not counted."""
    message, key = _signed_message()
    for _ in range(_NOT_COUNTED):
        crypto_sign_open(message, key)
    started = time.thread_time()
    for _ in range(times):
        crypto_sign_open(message, key)
    return (time.thread_time() - started) / times


@contextmanager
def _looking() -> Generator[list[float]]:
    """Measure verifications now and then, in a thread, while the block runs."""
    seen: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY_S):
            seen.append(verification_s(_AT_A_LOOK))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def flush_s() -> float:
    """Seconds until 4 kB appended to a file are on the disk on which the stores of a run are."""
    times = []
    with tempfile.NamedTemporaryFile(prefix="byway-bench-", buffering=0) as file:
        for _ in range(_FLUSHES):
            file.write(bytes(4096))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def copy_s() -> float:
    """CPU seconds, of both ends, to bring the bytes of one cast over a TCP connection on loopback."""
    data = bytes(_COPIED_BYTES)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        with far:
            started = time.thread_time()
            for _ in range(_COPIES):
                near.sendall(data)
                left = len(data)
                while left:
                    left -= len(far.recv(left))
            used = time.thread_time() - started
    return used / _COPIES / len(data) * len(_sample().data)


@cache
def _signed_message() -> tuple[bytes, bytes]:
    """What libsodium verifies, and the key: a signature and the bytes of a cast, with nothing of ours around it."""
    key = SigningKey(bytes(32))
    return bytes(key.sign(_sample().data)), bytes(key.verify_key)


@cache
def _sample() -> Statement:
    """As long as a cast of the smallest size class."""
    body = {"pad": bytes(BODY_BYTES - len(b"\x81\xa3pad\xc5__"))}
    statement = make_statement(SigningKey(bytes(32)), Kind.CAST, body, created=1, expires=2)
    if len(statement.body_bytes) != BODY_BYTES:
        raise AssertionError(f"{len(statement.data) - HEADER.size} bytes are not a cast of the smallest size class")
    return statement
