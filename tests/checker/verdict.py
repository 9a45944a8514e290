"""All invariants over one run, in the order of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.checker.bounds import bounds
from tests.checker.case import Case
from tests.checker.effect import expiry, no_entry, one_effect
from tests.checker.evidence import EvidenceError, read_evidence
from tests.checker.forged import authenticity, exact_bytes, no_contradiction, origin
from tests.checker.lost import durability, first_received, liveness, no_silence
from tests.checker.matcher import BadFilterError
from tests.checker.names import BadNameError
from tests.checker.secrecy import secrecy
from tests.checker.stores import read_store
from tests.checker.tally import Tally
from tests.checker.wishes import due

PROMISES: Final = {
    "I1": "durability",
    "I3": "origin",
    "I4": "authenticity",
    "I5": "no entry",
    "I6": "one effect",
    "I7": "no contradiction",
    "I8": "exact bytes",
    "I10": "liveness",
    "I11": "expiry",
    "I12": "secrecy",
    "I13": "no silence",
    "I14": "store health",
    "I15": "bounds",
}


def judge(folder: Path, *, stores: Sequence[Path] = (), scanned: Sequence[Path] = ()) -> dict[str, Tally]:
    """The tally of each invariant for the evidence in `folder`.

    `stores` are store files of routers that have ended, `scanned` are what to look for canaries in.  Raises
    `EvidenceError` if evidence or store cannot be read as such.
    """
    tallies = {code: Tally(code, promise) for code, promise in PROMISES.items()}
    try:
        case = Case(read_evidence(folder), [read_store(path, tallies["I14"]) for path in stores])
        owed = list(due(case))
        received = first_received(case)
        durability(case, owed, received, tallies["I1"])
        origin(case, tallies["I3"])
        authenticity(case, tallies["I4"])
        no_entry(case, tallies["I5"])
        one_effect(case, tallies["I6"])
        no_contradiction(case, tallies["I7"])
        exact_bytes(case, tallies["I8"])
        liveness(case, owed, received, tallies["I10"])
        expiry(case, tallies["I11"])
        secrecy(case, scanned, tallies["I12"])
        no_silence(case, owed, received, tallies["I13"])
        bounds(case, tallies["I15"])
    except (BadFilterError, BadNameError) as error:
        raise EvidenceError(f"a witness noted what cannot be: {error}") from error
    return tallies
