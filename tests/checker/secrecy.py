"""I12 secrecy: what was planted as a secret occurs in no file that a router or an onlooker could have."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.checker.case import Case
from tests.checker.evidence import EvidenceError
from tests.checker.tally import Tally

SHORTEST_CANARY: Final = 16  # bytes: a shorter one may turn up by chance
PIECE_BYTES: Final = 1 << 20


def secrecy(case: Case, places: Sequence[Path], tally: Tally) -> None:
    """I12: no canary is in the files, or in those of the folders, `places`: raw, as hex or as base64.

    Raises `EvidenceError` for a canary that is too short, and for a place that is not there.
    """
    canaries = [event for event in case.events if event.name == "canary"]
    forms = []
    for event in canaries:
        if len(event.fields["secret"]) < SHORTEST_CANARY:
            raise EvidenceError(f"{event.place}: a canary has at least {SHORTEST_CANARY} bytes")
        forms.append(list(_forms(event.fields["secret"])))
    for path in _files(places):
        found = _found(path, forms)
        for number, event in enumerate(canaries):
            tally.expect(number not in found, f"{event.fields['what']} can be read in {path}", event)


def _files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        if not place.exists():
            raise EvidenceError(f"there is no {place} to look for canaries in")
        yield from sorted(path for path in (place.rglob("*") if place.is_dir() else [place]) if path.is_file())


def _forms(secret: bytes) -> Iterator[bytes]:
    """The ways in which the secret may be written down."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for before in range(3):  # base64 depends on what stands before: leave out what is mixed with the neighbours
        coded = base64.b64encode(bytes(before) + secret)
        yield coded[4 if before else 0 : len(secret) // 3 * 4]


def _found(path: Path, forms: Sequence[Sequence[bytes]]) -> set[int]:
    """The numbers of the canaries that the file has."""
    overlap = max((len(form) for each in forms for form in each), default=0)
    found: set[int] = set()
    with path.open("rb") as file:
        piece = b""
        while data := file.read(PIECE_BYTES):
            piece = piece[-overlap:] + data
            found |= {number for number, each in enumerate(forms) if any(form in piece for form in each)}
    return found
