"""`python -m benchmarks.counted`, as `benchmarks.instructions` starts it: does all parts, and says which, as JSON."""

from __future__ import annotations

import gc
import json
import sys
from typing import Final

import trio

from benchmarks.counted.accepted import accept, read, verify
from benchmarks.counted.account import Account, Part
from benchmarks.counted.delivered import deliver
from benchmarks.counted.over_tls import encrypt, shake_hands
from benchmarks.load.prepared import casts
from benchmarks.load.stored import BATCH

BATCHES: Final = 8
SINGLES: Final = 128  # half of them are counted: as many commits as the store joins into one stretch
DELIVERED: Final = 16  # casts, one in a frame
FRAMES: Final = 2  # with as many casts as a batch: one of them is counted


def main() -> None:
    """Each part is done for as many again beforehand, so that the interpreter is warm."""
    account = Account()
    batches = [list(casts(BATCH)) for _ in range(BATCHES)]
    alone = list(casts(SINGLES))
    gc.freeze()
    gc.disable()  # when it looks depends on all that was done before
    verify(account, alone)
    admitted = read(account, alone)
    accept(account, batches, (Part.FRAME_64, Part.COMMIT_64, Part.ANSWER_64))
    accept(account, [[cast] for cast in alone], (Part.FRAME_1, Part.COMMIT_1, Part.ANSWER_1))
    alone_in_a_frame = deliver(account, Part.DELIVER, admitted[:DELIVERED], 1)
    trio.run(encrypt, account, Part.ENCRYPT, alone_in_a_frame[:SINGLES], 1)
    together = deliver(account, Part.DELIVER_64, admitted, BATCH)
    trio.run(encrypt, account, Part.ENCRYPT_64, together[:FRAMES], BATCH)
    shake_hands(account)
    json.dump(account.parts, sys.stdout)


if __name__ == "__main__":
    main()
