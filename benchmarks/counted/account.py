"""What was counted: the parts in their order, and the borders around them.

A border is a call of `getsid`, which nothing else here calls.  At each one callgrind writes down what it has counted
since the last, and begins anew.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

BORDER: Final = "getsid"

Item = TypeVar("Item")


class Part(enum.StrEnum):
    """One part of the way, as the page calls it."""

    LIBSODIUM = "libsodium verifies a signature"
    VERIFY = "verify a cast"
    READ = "read and check a cast"
    FRAME_64 = "take a cast out of a Submit of 64"
    FRAME_1 = "take a cast out of a Submit of its own"
    COMMIT_64 = "commit a cast with 63 others, and make its receipt"
    COMMIT_1 = "commit a cast alone, and make its receipt"
    ANSWER_64 = "answer a cast in an Accepted of 64"
    ANSWER_1 = "answer a cast in an Accepted of its own"
    DELIVER = "match a cast, and pack it, for one of 64 subscribers"
    ENCRYPT = "encrypt a delivery, and hand it to the socket"
    DELIVER_64 = "match a cast, and pack it with 63 others, for one of 64 subscribers"
    ENCRYPT_64 = "encrypt a delivery with 63 others, and hand it to the socket"
    HANDSHAKE = "shake hands over TLS, the router's side"


class Account:
    """Which parts were counted, in their order, and how often each was done; a part that comes twice is a sum."""

    def __init__(self) -> None:
        self.parts: list[tuple[Part, int]] = []

    @contextmanager
    def border(self, part: Part, times: int) -> Generator[None]:
        """The block does the part so many times."""
        os.getsid(0)
        yield
        os.getsid(0)
        self.parts.append((part, times))

    def count(self, part: Part, work: Callable[[Item], object], items: Sequence[Item], *, each: int = 1) -> None:
        """Do the work for half of the items, so that the interpreter is warm, and count it for the others.

        The work does the part `each` times for an item.
        """
        half = len(items) // 2
        for item in items[:half]:
            work(item)
        with self.border(part, each * (len(items) - half)):
            for item in items[half:]:
                work(item)
