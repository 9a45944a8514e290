"""How much work a stamp needs: nothing while there is little to do, then more for as long as there is too much.

The rule is pure: it is told when there was too much to do, and says what is asked at a time.
"""

from __future__ import annotations

from typing import Final

BASE_BITS: Final = 12  # some milliseconds of anybody's time, and what a flood can no longer pay for each statement
MOST_BITS: Final = 22  # some seconds of a phone; a machine built for hashing still makes few in a second
LEEWAY_BITS: Final = 2  # less than is asked: so much may have been added while the stamp was made
RISE_EVERY_S: Final = 1.0
FALL_EVERY_S: Final = 5.0


class Difficulty:
    """What is asked at one door.  Times are those of the event loop, in seconds, and never go back."""

    def __init__(self) -> None:
        self._bits = 0  # as of the last press
        self._pressed_at = 0.0
        self._rose_at = 0.0

    def press(self, now: float) -> None:
        """There is more to do now than can be taken: ask for the first bits, or for one more a second."""
        bits = self.bits(now)
        if not bits:
            bits, self._rose_at = BASE_BITS, now
        elif now >= self._rose_at + RISE_EVERY_S:
            bits, self._rose_at = min(bits + 1, MOST_BITS), now
        self._bits, self._pressed_at = bits, now

    def bits(self, now: float) -> int:
        """How many bits are asked for; 0: none.  Without further presses it is one less every few seconds."""
        left = self._bits - int((now - self._pressed_at) / FALL_EVERY_S)
        return left if left >= BASE_BITS else 0
