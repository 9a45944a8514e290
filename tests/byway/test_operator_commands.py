"""`byway init` and `byway publish` with what cannot be: a sentence, a next step, and nothing half made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from byway.cli.app import app
from byway.cli.report import FAILED, run_command
from byway.key_file import load_key
from byway.protocol.urn import node_urn
from byway.settings import RouterSettings, load_toml
from byway.store.sqlite.store import open_store

NODE = node_urn(bytes(32))
AT = f"{NODE}@127.0.0.1:1"
TOPIC = "urn:byway:topic:open:check"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    """What a command that fails says: the sentence with its code, and the next step."""
    assert run_command(lambda: app(words)) == FAILED
    out, err = capsys.readouterr()
    assert out == ""
    error, next_step = err.splitlines()
    assert error.startswith("error   ")
    assert next_step.startswith("next    ")
    return error, next_step


def test_init_makes_settings_and_key_and_keeps_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "my router.toml"
    flags = ("--data", str(tmp_path), "--public-address", "router.example:7400", "--register-at", AT)

    assert run_command(lambda: app(("init", str(settings), *flags))) == 0
    made = load_toml(settings, RouterSettings)
    assert (made.public_addresses, str(made.register_at[0])) == (("router.example:7400",), AT)
    assert capsys.readouterr().out.endswith(f"next        byway run '{settings}'\n")

    key = load_key(tmp_path / "key")
    assert run_command(lambda: app(("init", str(settings)))) == 0
    assert load_key(tmp_path / "key") == key
    assert capsys.readouterr().out.startswith(f"kept        {settings}\nkept        {tmp_path}/key\n")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--listen", "7400"), "listen cannot be \"7400\": '7400' is not an address, which looks like HOST:PORT"),
        (("--register-at", "NODE"), "register_at cannot be \"NODE\": 'NODE' is not a node address, which looks like"),
        (("--public-address", "a:0"), "public_addresses cannot be \"a:0\": 'a:0' says port 0"),
    ],
)
def test_a_flag_that_cannot_be_is_told_without_a_file_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], sentence: str
) -> None:
    settings = tmp_path / "byway.toml"

    error, next_step = refused(capsys, "init", str(settings), *flags)

    assert error.startswith(f"error   {sentence}")
    assert error.endswith("[bad-request]")
    assert next_step == "next    byway init --help"
    assert not settings.exists()


def test_where_no_key_can_be_made_no_settings_are_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()

    error, next_step = refused(capsys, "init", str(tmp_path / "byway.toml"), "--data", str(tmp_path / "file"))

    assert "Not a directory  [data-unwritable]" in error
    assert "ls -ld" in next_step
    assert not (tmp_path / "byway.toml").exists()


def test_no_key_is_made_beside_the_store_of_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_store(tmp_path, node_key=bytes(32), random=os.urandom).close()

    error, _ = refused(capsys, "init", str(tmp_path / "byway.toml"), "--data", str(tmp_path))

    assert "[store-foreign]" in error
    assert not (tmp_path / "key").exists()
    assert not (tmp_path / "byway.toml").exists()


def test_settings_that_are_there_are_not_changed_by_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "byway.toml"
    settings.write_text("# mine\n")

    error, next_step = refused(capsys, "init", str(settings), "--listen", "127.0.0.1:7499")

    assert "[settings-exist]" in error
    assert next_step == f"next    edit {settings}"
    assert settings.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("words", "sentence", "next_step"),
    [
        (("NODE", TOPIC), "'NODE' is not a node address", "copy it from the line"),
        ((AT, "condos"), "a topic is written open:homes:boston  [bad-urn]", f"byway publish {AT} open:check"),
        ((AT, "open:Homes"), "small letters only  [bad-urn]", f"byway publish {AT} open:check"),
        ((AT, f"{TOPIC}:**"), "is not the name of a topic  [bad-urn]", f"byway publish {AT} open:check"),
        ((AT, TOPIC, "--hours", "0"), "not 0  [bad-request]", f"byway publish {AT} {TOPIC} --hours 1"),
        ((AT, "open:check"), "127.0.0.1:1 cannot be reached", "see that the node runs"),
        ((AT, TOPIC, "--hours", "9999"), "not 9999  [bad-request]", f"byway publish {AT} {TOPIC} --hours 1"),
        ((AT, TOPIC), "127.0.0.1:1 cannot be reached: nobody listens there  [unreachable]", "see that the node runs"),
        ((AT, TOPIC, "--hours", "719"), "[unreachable]", "see that the node runs"),
    ],
)
def test_what_cannot_be_published_is_told(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str, next_step: str
) -> None:
    error, told = refused(capsys, "publish", *words)

    assert sentence in error
    assert told.startswith(f"next    {next_step}")


def test_a_list_that_can_be_given_often_has_no_flag_that_empties_it(capsys: pytest.CaptureFixture[str]) -> None:
    app(("init", "--help"), exit_on_error=False)

    out = capsys.readouterr().out
    assert "--register-at" in out
    assert "--empty" not in out
