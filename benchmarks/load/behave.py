"""What every load process does: `process` is the other end."""

from __future__ import annotations

import json
import sys
from typing import Any

import trio


async def ready() -> None:
    """Say that everything is prepared, and wait for the word to begin."""
    print("ready", flush=True)
    if not await trio.to_thread.run_sync(sys.stdin.readline):
        raise SystemExit("whoever started this has ended")


async def give(**results: Any) -> None:
    """Give the results, and hold what is open until whoever started this wants it to end: leaving is not measured."""
    print(json.dumps(results), flush=True)
    await trio.to_thread.run_sync(sys.stdin.read)
