"""Whether a store has what its node has signed for, by the high-water file beside it."""

from __future__ import annotations

from byway.errors import StoreError
from byway.store.high_water import HighWaterFile, InDoubt, Mark, in_doubt


class Custody:
    """Compares a store with its high-water mark when it is recovered, and moves the mark from then on."""

    def __init__(self, file: HighWaterFile) -> None:
        self._file = file
        self.found = file.found
        """The mark as it was when the store was opened."""
        self.in_doubt: InDoubt | None = None
        """What may have been signed for and is not there."""

    def compare(self, chain: bytes, number: int, next_sequence: int) -> InDoubt | None:
        """Take note of what the store lacks, if it is behind the mark; None if it is not."""
        self.in_doubt = in_doubt(self.found, chain=chain, number=number, next_sequence=next_sequence)
        return self.in_doubt

    def unused_after(self, next_sequence: int) -> int:
        """The first sequence that neither the store nor the mark knows to be given out."""
        return max(next_sequence, self.found.next_sequence if self.found else 0)

    def release(self) -> None:
        """The operator has decided to go on without what is in doubt."""
        self.in_doubt = None

    def check(self) -> None:
        """Raise `store-rolled-back` while something is in doubt: nothing new may be promised then."""
        if self.in_doubt:
            raise StoreError(
                "the store has been rolled back: the node takes nothing new until its operator has decided what to do",
                code="store-rolled-back",
            )

    def note(self, mark: Mark) -> None:
        """Move the mark.  While something is in doubt only its clock moves, so that the doubt outlives a restart.

        Raises `StoreError`.
        """
        if self.in_doubt and self.found:
            mark = self.found._replace(clock_ms=mark.clock_ms, uptime=mark.uptime)
        self._file.write(mark)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
