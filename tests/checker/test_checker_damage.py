"""What was taken away on purpose need not come any more; what is promised afterwards has to."""

from __future__ import annotations

import copy

import pytest

from byway.protocol.receipt import Receipt
from tests.checker.spoiling import Copy, Line


def promised(run: Copy, sequence: int) -> Line:
    """The receipt that the router gave for this sequence."""
    receipts = run.of("buyer", "receipt")
    return next(line for line in receipts if Receipt.from_bytes(line.get("receipt")).sequence == sequence)


def note_at_the_end(run: Copy, event: str, **fields: object) -> Line:
    """The fault injector says so, after all receipts."""
    drained = run.all("end-of-drain")[0]
    line = copy.deepcopy(drained)
    line.event, line.fields = event, {"node": promised(run, 1).fields["node"], **fields}
    heal = run.all("measured")[-1]
    line.monotonic_ns, line.wall_ns = heal.monotonic_ns, heal.wall_ns
    run.insert_after(heal, line)
    return line


def forget(run: Copy, sequence: int) -> None:
    """The cast with this sequence came to nobody."""
    gone = promised(run, sequence).id
    run.drop(lambda line: line.event in ("received", "effect") and line.id == gone)


def test_what_was_damaged_need_not_come(run: Copy) -> None:
    forget(run, 2)
    note_at_the_end(run, "damaged", sequences=[2])

    assert run.red(with_stores=False) == set()


def test_what_was_not_damaged_has_to_come(run: Copy) -> None:
    forget(run, 2)
    note_at_the_end(run, "damaged", sequences=[3])

    assert "I1" in run.red(with_stores=False)


def test_what_was_promised_after_the_damage_has_to_come(run: Copy) -> None:
    forget(run, 2)
    damage = note_at_the_end(run, "damaged", sequences=[2])
    again = copy.deepcopy(promised(run, 2))
    again.monotonic_ns, again.wall_ns = damage.monotonic_ns, damage.wall_ns
    last = run.of("buyer", "receipt", "refusal")[-1]
    run.insert_after(last, again)

    assert "I1" in run.red(with_stores=False)


def test_what_a_restored_store_lacks_need_not_come(run: Copy) -> None:
    forget(run, 12)
    note_at_the_end(run, "restored", through=11)

    assert run.red(with_stores=False) == set()


def test_what_a_restored_store_has_has_to_come(run: Copy) -> None:
    forget(run, 11)
    note_at_the_end(run, "restored", through=11)

    assert "I1" in run.red(with_stores=False)


@pytest.mark.parametrize(("through", "broken"), [(1, {"I7"}), (1000, set())])
def test_nothing_new_is_promised_behind_a_rollback(run: Copy, through: int, broken: set[str]) -> None:
    """The receipt for sequence 12 is given after a store was put back that ends before it, or has it."""
    line = note_at_the_end(run, "restored", through=through)
    later = copy.deepcopy(promised(run, 12))
    later.monotonic_ns, later.wall_ns = line.monotonic_ns + 1, line.wall_ns + 1
    run.insert_after(run.of("buyer-again", "receipt", "refusal")[-1], later)

    assert run.red(with_stores=False) == broken


def test_epochs_may_begin_again_with_a_restored_store(run: Copy) -> None:
    begun = run.all("subscribed", sub="all")
    line = note_at_the_end(run, "restored", through=1000)
    again = copy.deepcopy(begun[0])
    again.monotonic_ns, again.wall_ns = line.monotonic_ns, line.wall_ns
    next(lines for name, lines in run.lines.items() if name.endswith("-all")).append(again)

    assert run.red(with_stores=False) == set()

    run.drop(lambda other: other.event == "restored")
    assert run.red(with_stores=False) == {"I6"}
