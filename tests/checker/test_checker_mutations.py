"""Whatever hypothesis does to the evidence of an honest run, the right promise turns red."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checker.spoiling import Copy, Run

FEW = settings(max_examples=10)


@contextmanager
def spoilt(run: Run) -> Iterator[Copy]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "run"
        shutil.copytree(run.folder, place)
        yield Copy(run._replace(folder=place))


@FEW
@given(data=st.data())
def test_a_bit_turned_on_the_way_to_a_subscriber_is_seen(honest_run: Run, data: st.DataObject) -> None:
    with spoilt(honest_run) as run:
        line = data.draw(st.sampled_from(run.all("received")))
        statement = bytearray(line.get("statement"))
        statement[data.draw(st.integers(0, len(statement) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        line.put("statement", bytes(statement))

        assert run.red() & {"I3", "I8"}


@FEW
@given(data=st.data())
def test_a_bit_turned_in_a_receipt_is_seen(honest_run: Run, data: st.DataObject) -> None:
    with spoilt(honest_run) as run:
        line = data.draw(st.sampled_from(run.all("receipt")))
        receipt = bytearray(line.get("receipt"))
        receipt[data.draw(st.integers(0, len(receipt) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        line.put("receipt", bytes(receipt))

        assert "I4" in run.red()


@FEW
@given(data=st.data())
def test_a_bit_turned_in_a_blob_of_the_store_is_seen(honest_run: Run, data: st.DataObject) -> None:
    with spoilt(honest_run) as run, run.store() as store:
        table, column = data.draw(st.sampled_from([("journal", "data"), ("commits", "head"), ("leaves", "packed")]))
        rows = store.execute(f"SELECT rowid, {column} FROM {table}").fetchall()  # noqa: S608 - names, not values
        rowid, blob = data.draw(st.sampled_from(rows))
        changed = bytearray(blob)
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        store.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (bytes(changed), rowid))  # noqa: S608
        store.commit()

        assert "I14" in run.red()


@FEW
@given(data=st.data())
def test_any_effect_that_is_left_out_or_happens_twice_is_seen(honest_run: Run, data: st.DataObject) -> None:
    with spoilt(honest_run) as run:
        line = data.draw(st.sampled_from(run.all("effect")))
        if data.draw(st.booleans()):
            run.insert_after(line, copy.deepcopy(line))
        else:
            run.drop(lambda other: other is line)

        assert run.red() == {"I6"}


@FEW
@given(data=st.data())
def test_any_answer_that_is_left_out_is_seen(honest_run: Run, data: st.DataObject) -> None:
    with spoilt(honest_run) as run:
        line = data.draw(st.sampled_from(run.all("receipt", "refusal")))
        run.drop(lambda other: other is line)

        assert run.red() == {"I13"}
