"""The cases of faults with real processes, and how often each does what it does in a full run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from tests.faults.clocks import the_clock_jumps
from tests.faults.damage_rounds import a_store_alone_is_damaged
from tests.faults.damaged_store import (
    a_log_without_its_end,
    a_store_without_its_end,
    an_old_backup,
    bits_of_a_closed_store,
    bits_of_a_log,
)
from tests.faults.every_byte import cut_at_every_byte
from tests.faults.failing_disk import WAYS_TO_FAIL, a_flush_fails_in_the_system, an_operation_fails
from tests.faults.floods import bad_signatures, fresh_keys
from tests.faults.full_disk import the_disk_is_full
from tests.faults.idle_links import many_idle_links
from tests.faults.killed import killed_at_any_moment, killed_at_named_points, stopped_for_a_while
from tests.faults.killed_parties import publishers_and_subscribers_are_killed
from tests.faults.lookups import many_lookups
from tests.faults.offers import many_offers
from tests.faults.peers import cut_at_any_byte, sessions_are_replayed
from tests.faults.power_cuts import power_cut_under_load
from tests.faults.repeated import frames_come_twice
from tests.faults.shares import one_uses_up_its_own
from tests.faults.slow_consumers import slow_consumers
from tests.faults.stage import Stage
from tests.faults.strangers import slow_handshakes
from tests.faults.subscription_flood import many_subscriptions
from tests.faults.vanished import peers_vanish

WITHIN_S: Final = 600.0  # for what takes two minutes at most: whoever needs so long does not get on
KILL_WITHIN_S: Final = 15.0


class Case(NamedTuple):
    """One kind of fault."""

    run: Callable[[Stage], Awaitable[None]]
    times: int = 1
    kills: float = 0.0  # its share of `KILLS`, in the place of `times`
    alone: bool = False  # it compares times or memory, so nothing else runs beside it

    @property
    def name(self) -> str:
        return self.run.__name__

    def rounds(self, kills: int) -> int:
        """How often it does what it does, if `kills` is to be the sum of all kills."""
        return max(1, round(self.kills * kills)) if self.kills else self.times

    def within_s(self, rounds: int) -> float:
        """When it ought to be over long since."""
        return WITHIN_S + (KILL_WITHIN_S * rounds if self.kills else 0.0)


CASES: Final = (
    Case(killed_at_any_moment, kills=0.6),
    Case(killed_at_named_points, kills=0.4),
    Case(publishers_and_subscribers_are_killed, times=12),
    Case(stopped_for_a_while, times=6),
    Case(an_operation_fails, times=2 * len(WAYS_TO_FAIL)),
    Case(a_flush_fails_in_the_system, times=4),
    Case(the_disk_is_full, times=4),
    Case(power_cut_under_load, times=20),
    Case(bits_of_a_closed_store, times=20),
    Case(bits_of_a_log, times=12),
    Case(a_store_without_its_end, times=8),
    Case(a_log_without_its_end, times=12),
    Case(a_store_alone_is_damaged, times=2000),
    Case(an_old_backup, times=2),
    Case(the_clock_jumps, times=5, alone=True),
    Case(cut_at_any_byte, times=150),
    Case(cut_at_every_byte),
    Case(sessions_are_replayed, times=5),
    Case(frames_come_twice, times=4),
    Case(peers_vanish, times=1),
    Case(many_offers, alone=True),
    Case(many_idle_links, times=10_000, alone=True),
    Case(slow_handshakes, alone=True),
    Case(bad_signatures, alone=True),
    Case(fresh_keys, alone=True),
    Case(many_subscriptions, alone=True),
    Case(slow_consumers, alone=True),
    Case(many_lookups, alone=True),
    Case(one_uses_up_its_own, alone=True),
)
