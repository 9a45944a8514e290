"""An open link in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tests.link.parts import Ends, linked


@pytest.fixture
async def ends() -> AsyncGenerator[Ends]:
    """The client's end, and the server's in the hands of the test."""
    async with linked() as both:
        yield both
