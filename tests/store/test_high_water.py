"""The high-water file says how far a node has got, or nothing, but never something else."""

from __future__ import annotations

import errno
import os
import stat
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.clock import UNKNOWN_UPTIME, Uptime
from byway.errors import StoreError
from byway.store.high_water import SLOT_BYTES, HighWaterFile, InDoubt, Mark, in_doubt

CHAIN = b"c" * 16


def mark(number: int) -> Mark:
    return Mark(CHAIN, number, 10 * number + 1, 1_000 * number, Uptime(b"b" * 16, 500 * number))


def found(path: Path) -> Mark | None:
    file = HighWaterFile(path)
    file.close()
    return file.found


def written(path: Path, count: int) -> None:
    file = HighWaterFile(path)
    for number in range(1, count + 1):
        file.write(mark(number))
    file.close()
    file.close()


def test_a_new_file_says_nothing_and_is_its_owners_alone(tmp_path: Path) -> None:
    assert found(tmp_path / "high-water") is None
    assert stat.S_IMODE((tmp_path / "high-water").stat().st_mode) == 0o600


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_the_last_mark_is_found_again(count: int, tmp_path: Path) -> None:
    written(tmp_path / "high-water", count)

    assert found(tmp_path / "high-water") == mark(count)
    file = HighWaterFile(tmp_path / "high-water")
    file.write(mark(99))
    file.close()
    assert found(tmp_path / "high-water") == mark(99)
    assert (tmp_path / "high-water").stat().st_size <= 2 * SLOT_BYTES


def test_a_file_from_before_the_uptime_was_noted_is_read(tmp_path: Path) -> None:
    packed = struct.pack(">8sQ16sQQq", b"byway hw", 2, CHAIN, 2, 21, 2_000)
    (tmp_path / "high-water").write_bytes(packed + zlib.crc32(packed).to_bytes(4))

    file = HighWaterFile(tmp_path / "high-water")

    assert file.found == mark(2)._replace(uptime=UNKNOWN_UPTIME)
    file.write(mark(3))
    file.close()
    assert found(tmp_path / "high-water") == mark(3)


@given(count=st.integers(1, 4), position=st.integers(0, 2 * SLOT_BYTES - 1), bit=st.integers(0, 7))
def test_a_changed_bit_costs_at_most_the_last_mark(
    count: int, position: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("folder") / "high-water"
    written(path, count)
    data = bytearray(path.read_bytes().ljust(2 * SLOT_BYTES, b"\0"))
    data[position] ^= 1 << bit
    path.write_bytes(data)

    assert found(path) in {mark(count), mark(count - 1) if count > 1 else None}


@given(torn=st.integers(0, SLOT_BYTES), count=st.integers(2, 5))
def test_a_torn_write_leaves_the_mark_before_it(
    torn: int, count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    written(folder / "before", count - 1)
    written(folder / "after", count)
    slot = count % 2 * SLOT_BYTES
    data = bytearray((folder / "before").read_bytes().ljust(2 * SLOT_BYTES, b"\0"))
    data[slot : slot + torn] = (folder / "after").read_bytes()[slot : slot + torn]
    (folder / "torn").write_bytes(data)

    assert found(folder / "torn") in {mark(count), mark(count - 1)}


@given(content=st.binary(max_size=3 * SLOT_BYTES))
def test_any_other_bytes_say_nothing(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("folder") / "high-water"
    path.write_bytes(content)

    assert found(path) is None


def test_a_full_disk_leaves_the_mark_before_and_another_error_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = HighWaterFile(tmp_path / "high-water")
    file.write(mark(1))
    number = errno.ENOSPC

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as failing:
        failing.setattr(os, "pwrite", fail)
        file.write(mark(2))
        number = errno.EIO
        with pytest.raises(StoreError) as raised:
            file.write(mark(3))
    file.close()

    assert raised.value.code == "store-failed"
    assert raised.value.next_step
    assert found(tmp_path / "high-water") == mark(1)


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        HighWaterFile(tmp_path)
    assert raised.value.next_step


def test_what_lies_between_the_store_and_the_mark_is_in_doubt() -> None:
    last = Mark(CHAIN, 7, 71, 0)

    assert in_doubt(None, chain=CHAIN, number=3, next_sequence=31) is None
    assert in_doubt(last, chain=CHAIN, number=7, next_sequence=71) is None
    assert in_doubt(last, chain=CHAIN, number=8, next_sequence=72) is None
    assert in_doubt(last, chain=b"another chain...", number=0, next_sequence=1 << 40) is None
    assert in_doubt(last, chain=CHAIN, number=3, next_sequence=31) == InDoubt((31, 70), (4, 7))
    assert in_doubt(last, chain=b"another chain...", number=3, next_sequence=31) == InDoubt((31, 70), None)
