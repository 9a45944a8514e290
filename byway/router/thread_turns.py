"""Worker threads get their turn beside a busy event loop.

A loop that always has a runnable task polls with a timeout of zero.  Each poll gives up the interpreter lock
for an instant and takes it back, which resets the clock after which a waiting thread may ask for it: the
thread that writes the store then gets no turn at all (`docs/decisions/0008-thread-turns.md`).
"""

import time

import trio

_ENOUGH_TO_SWITCH_S = 1e-6  # any sleep leaves the lock to whoever waits for it


class ThreadTurns(trio.abc.Instrument):
    """Pass one to `trio.run(..., instruments=[ThreadTurns()])` wherever a store or a verifier runs in threads."""

    def before_io_wait(self, timeout: float) -> None:
        """Let waiting threads run for a moment when the loop is not going to wait."""
        if timeout <= 0:
            time.sleep(_ENOUGH_TO_SWITCH_S)
