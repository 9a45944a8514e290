"""The key file: made once, for its owner alone, and refused with the command that mends it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byway.errors import SetupError
from byway.key_file import COMMENT, create_key, load_key
from byway.protocol.urn import to_base32

Room = AbstractContextManager[None]
KEY = bytes(range(32))


def first_bytes(count: int) -> bytes:
    return KEY[:count]


def refusal(path: Path) -> SetupError:
    with pytest.raises(SetupError) as caught:
        load_key(path, made_by="byway init there.toml")
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "key"


def test_a_key_is_read_back(path: Path) -> None:
    assert create_key(path, first_bytes) == KEY
    assert load_key(path) == KEY


def test_the_file_is_text_with_one_comment(path: Path) -> None:
    create_key(path, first_bytes)

    assert path.read_text() == f"{COMMENT}\n{to_base32(KEY)}\n"
    assert COMMENT.startswith("# ")


def test_only_the_owner_may_use_the_file_and_its_folder(path: Path) -> None:
    before = os.umask(0)
    try:
        create_key(path, first_bytes)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_key_is_never_overwritten(path: Path) -> None:
    create_key(path, first_bytes)

    with pytest.raises(FileExistsError):
        create_key(path, os.urandom)

    assert load_key(path) == KEY


def test_file_and_folder_are_flushed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []

    def fsync(descriptor: int) -> None:
        flushed.append(stat.S_IFMT(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(os, "fsync", fsync)
    create_key(path, first_bytes)

    assert flushed == [stat.S_IFREG, stat.S_IFDIR]


def test_a_full_disk_leaves_no_half_of_a_key(path: Path, room_for_bytes: Callable[[int], Room]) -> None:
    with room_for_bytes(10), pytest.raises(OSError, match="File too large"):
        create_key(path, first_bytes)

    assert create_key(path, first_bytes) == KEY


def test_a_file_where_the_folder_should_be_is_no_key_that_exists_already(path: Path) -> None:
    path.parent.touch()

    with pytest.raises(NotADirectoryError):
        create_key(path, first_bytes)


def test_a_missing_key_is_answered_with_the_command_that_makes_one(path: Path) -> None:
    error = refusal(path)

    assert (error.code, error.next_step) == ("key-missing", "byway init there.toml")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_a_key_that_others_may_use_is_refused(path: Path, mode: int) -> None:
    create_key(path, first_bytes)
    path.chmod(mode)

    error = refusal(path)

    assert (error.code, error.next_step) == ("key-exposed", f"chmod 600 {path}")
    assert f"mode {mode:04o}" in str(error)


def test_the_command_is_right_for_a_path_with_spaces(tmp_path: Path) -> None:
    path = tmp_path / "my key"
    create_key(path, first_bytes)
    path.chmod(0o644)

    assert refusal(path).next_step == f"chmod 600 '{path}'"


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{COMMENT}\n",
        to_base32(KEY)[:-1],
        to_base32(KEY) + "a",
        to_base32(KEY).upper(),
        to_base32(KEY)[:-1] + "b",
        f"{to_base32(KEY)}\n{to_base32(KEY)}\n",
        "\x00" * 52,
        "ä" * 52,
    ],
)
def test_a_file_that_holds_no_key_is_damaged(path: Path, text: str) -> None:
    create_key(path, first_bytes)
    path.write_text(text)

    error = refusal(path)

    assert error.code == "key-damaged"
    assert error.next_step == f"mv {path} {path}.damaged && byway init there.toml"


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "data-unreadable"


def test_a_key_copied_by_hand_is_read(path: Path) -> None:
    create_key(path, first_bytes)
    path.write_text(f"# from the safe\n\n  {to_base32(KEY)}\r\n# the end\n")

    assert load_key(path) == KEY


@given(st.binary(max_size=80) | st.text("abc234567#\n", max_size=60).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_file_is_a_key_or_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)

    try:
        outcome: int | str = len(load_key(path))
    except SetupError as error:
        outcome = error.code

    assert outcome in {32, "key-damaged"}
