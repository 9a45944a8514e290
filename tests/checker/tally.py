"""What a check found: how much it looked at, and each thing that is not as promised."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.checker.evidence import Event


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise: which, a sentence, and the lines of evidence that show it."""

    code: str
    sentence: str
    evidence: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """The count of one invariant."""

    code: str
    promise: str
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)

    def expect(self, holds: bool, sentence: str, *evidence: Event | None) -> None:
        """Count one thing that was looked at, and note it with its evidence if it does not hold."""
        self.checked += 1
        if not holds:
            self.broken(sentence, *evidence)

    def broken(self, sentence: str, *evidence: Event | None) -> None:
        """Note what is wrong with something that was counted already."""
        places = tuple(event.place for event in evidence if event is not None)
        self.findings.append(Finding(self.code, sentence, places))
