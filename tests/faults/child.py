"""A module of ours in a process group of its own, which has a time to be done in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import trio

from tests.crash.router_process import ROOT

SHOWN: Final = 1000  # characters of what it wrote, where that is no JSON


async def told(command: Sequence[str], within_s: float) -> dict[str, Any]:
    """What `python -m` with these words prints as JSON, at the end of its output.

    Under `failed` is a sentence instead if it prints none, or has not ended `within_s`: then it is killed, and whatever
    it has started with it.  Cancelling kills them too.
    """
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    output, status = bytearray(), None
    try:
        with trio.move_on_after(within_s):
            assert process.stdout is not None
            async with process.stdout:
                async for piece in process.stdout:
                    output += piece
            status = await process.wait()
    finally:
        if status is None:
            with suppress(ProcessLookupError), trio.CancelScope(shield=True):
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
    if status is None:
        return {"failed": f"{' '.join(command)} was not done in {within_s:,.0f} s: {_end(output)}"}
    return _parsed(output) or {"failed": f"{' '.join(command)} ended with {status}: {_end(output)}"}


def _parsed(output: bytearray) -> dict[str, Any] | None:
    text = output.decode(errors="replace")
    try:
        found: dict[str, Any] = json.loads(text[text.index("{") :])
    except ValueError:
        return None
    return found


def _end(output: bytearray) -> str:
    return output.decode(errors="replace")[-SHOWN:]
