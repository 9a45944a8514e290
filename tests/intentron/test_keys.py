"""Derived keys: always the same from the same master, and never the same for two purposes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import SetupError
from intentron.keys import Keys, Role, create_keys, load_keys

MASTER = bytes(range(32))
SALT = bytes(range(16))
CAST_ID = bytes(range(100, 132))

masters = st.binary(min_size=32, max_size=32)
salts = st.binary(min_size=16, max_size=16)
cast_ids = st.binary(min_size=32, max_size=32)


def secrets(keys: Keys, salt: bytes, cast_id: bytes) -> list[bytes]:
    return [
        bytes(keys.identity()),
        bytes(keys.cast(salt)),
        bytes(keys.cast_reply(salt)),
        bytes(keys.outer(cast_id)),
        bytes(keys.outer_reply(cast_id)),
    ]


def test_the_derivations_never_change() -> None:
    """A backup made today has to open everything tomorrow."""
    assert [secret.hex() for secret in secrets(Keys(MASTER), SALT, CAST_ID)] == [
        "b82cb84ab02504dd099235bdb79f64ed5e3da3279f48dc4b08d49679ebeb672c",
        "42a4cf40728c4f9fb778ffaa34a58516ef65520f89fc8c5214f21ffd8d130c5c",
        "2ca2a005b988ee73960a6c358ea2e6f2a71fd4552af9bf619158d5f7f2893c64",
        "bf8e2c8ac78f04686dbbc30eb6d936f32a435253365d5ee3e00dd7d526e756b1",
        "d7ff52b75d9e5326304455cfa896c065526a9b483392cda1adca2f2ef6b6ca0e",
    ]


@given(st.tuples(masters, masters), st.tuples(salts, salts), st.tuples(cast_ids, cast_ids))
def test_no_two_purposes_share_a_key(
    masters_used: tuple[bytes, bytes], salts_used: tuple[bytes, bytes], casts_used: tuple[bytes, bytes]
) -> None:
    purposes = {
        (whose, role, subject)
        for whose in masters_used
        for role, subjects in {
            "identity": [b""],
            "cast": salts_used,
            "cast-reply": salts_used,
            "outer": casts_used,
            "outer-reply": casts_used,
        }.items()
        for subject in subjects
    }
    made = {
        secret
        for whose in masters_used
        for salt, cast_id in zip(salts_used, casts_used, strict=True)
        for secret in secrets(Keys(whose), salt, cast_id)
    }

    assert len(made) == len(purposes)
    assert made.isdisjoint(masters_used)


@given(masters, salts, cast_ids)
def test_a_link_key_is_the_key_of_its_role(master: bytes, salt: bytes, cast_id: bytes) -> None:
    keys = Keys(master)

    assert keys.signing(Role.IDENTITY, b"") == keys.identity()
    assert keys.signing(Role.CAST, salt) == keys.cast(salt)
    assert keys.signing(Role.OUTER, cast_id) == keys.outer(cast_id)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Keys(MASTER[:-1]),
        lambda: Keys(MASTER).cast(SALT[:-1]),
        lambda: Keys(MASTER).cast_reply(SALT + b"\0"),
        lambda: Keys(MASTER).outer(CAST_ID[:-1]),
        lambda: Keys(MASTER).outer_reply(b""),
        lambda: Keys(MASTER).signing(Role.CAST, b""),
    ],
)
def test_a_subject_of_another_length_is_a_mistake(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="bytes"):
        make()


def test_the_master_key_is_not_shown() -> None:
    assert repr(Keys(MASTER)) == "Keys()"


def test_keys_are_kept_in_the_home_folder(tmp_path: Path) -> None:
    made = create_keys(tmp_path / "home", lambda count: MASTER[:count])

    assert made == Keys(MASTER)
    assert load_keys(tmp_path / "home") == made
    with pytest.raises(FileExistsError):
        create_keys(tmp_path / "home", bytes)


def test_missing_keys_are_answered_with_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        load_keys(tmp_path / "my home")

    assert caught.value.code == "key-missing"
    assert caught.value.next_step == f"intentron init --home '{tmp_path}/my home'"
