"""A disk that is full, for the parts that make files."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest


@contextmanager
def _room_for_bytes(count: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def room_for_bytes() -> Callable[[int], AbstractContextManager[None]]:
    """Within `room_for_bytes(count)`, no file of this process can grow beyond `count` bytes."""
    return _room_for_bytes
