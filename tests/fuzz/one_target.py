"""One target under atheris, in a process of its own; `python -m tests.fuzz` starts it.

python -m tests.fuzz.one_target TARGET [options of libFuzzer] [FOLDER...]
"""

from __future__ import annotations

import shlex
import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["byway", "intentron", "authorities"]):
    from tests.fuzz.mutations import mutate
    from tests.fuzz.targets import TARGETS, run

HANG_S = 0.15  # instrumented code is about three times as slow


def main() -> None:
    """Fuzz until libFuzzer has had enough; it ends the process."""
    name = sys.argv.pop(1)
    target = TARGETS[name]

    def one_input(data: bytes) -> None:
        run(target, data, hang_s=HANG_S)

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)  # noqa: S311 - the fuzzer has to be able to repeat it
        changed = mutate(data, random) if random.randrange(2) else atheris.Mutate(data, len(data) or 1)
        return changed[:max_size]

    again = f"{shlex.quote(sys.executable)} -m tests.fuzz.one_target {name}"  # with which a merge starts this anew
    atheris.Setup([again, *sys.argv[1:]], one_input, custom_mutator=mutated)
    atheris.Fuzz()


main()
