"""`intentron init` makes a home for its owner alone; without one, or when none runs, commands say what to do."""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from byway.cli.report import run_command
from byway.node_address import NodeAddress
from byway.protocol.urn import node_urn
from intentron.cli.app import app
from intentron.keys import load_keys
from intentron.settings import load_settings
from intentron.vault import open_vault

NODE = NodeAddress(node_urn(bytes(32)), "127.0.0.1:7400")
CONDOS = "urn:byway:topic:open:homes:boston:condo"


def run(*words: str) -> int:
    return run_command(lambda: app(words))


def test_init_makes_all_that_an_intentron_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "mary"
    flags = ("--router", str(NODE), "--messaging", str(NODE), "--authority", str(NODE), "--petname", f"condos={CONDOS}")

    assert run("init", "--home", str(home), *flags) == 0

    settings = load_settings(home)
    assert settings.router == settings.messaging == NODE
    assert settings.authorities == (NODE,)
    assert settings.petnames == {"condos": CONDOS}
    assert load_keys(home)
    open_vault(home).close()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert capsys.readouterr().out == (
        f"made        {home}/settings.toml\n"
        f"made        {home}/key (keep a copy in a safe place)\n"
        f"made        {home}/vault.sqlite\n"
        "sent        nothing\n"
        f"next        intentron run --home {home}\n"
    )


def test_init_keeps_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init", "--home", str(tmp_path), "--router", str(NODE))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    capsys.readouterr()
    assert run("init", "--home", str(tmp_path)) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert capsys.readouterr().out == (
        "".join(f"kept        {tmp_path}/{name}\n" for name in ("settings.toml", "key", "vault.sqlite"))
        + f"sent        nothing\nnext        intentron run --home {tmp_path}\n"
    )

    other = ("--petname", f"condos={CONDOS}", "--router", str(NODE), "--messaging", str(NODE))
    assert run("init", "--home", str(tmp_path), *other) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    told = capsys.readouterr().err
    assert "with another value of messaging and petnames; it stays as it is  [settings-exist]" in told
    assert f"next    edit {tmp_path}/settings.toml" in told

    (tmp_path / "settings.toml").unlink()
    assert run("init", "--home", str(tmp_path)) == 0
    assert (tmp_path / "key").read_bytes() == before["key"]
    assert f"kept        {tmp_path}/key\n" in capsys.readouterr().out


def test_the_same_flags_again_are_kept_also_beside_petnames_of_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--router", str(NODE), "--authority", str(NODE), "--petname", f"condos={CONDOS}")
    run("init", "--home", str(tmp_path), *flags)
    settings = tmp_path / "settings.toml"
    settings.write_text(settings.read_text().replace("[petnames]", f'[petnames]\nhomes = "{CONDOS}"'))
    before = settings.read_bytes()

    assert run("init", "--home", str(tmp_path), *flags) == 0
    assert settings.read_bytes() == before
    assert f"kept        {settings}\n" in capsys.readouterr().out


@pytest.mark.parametrize("damage", [Path.unlink, lambda key: key.write_text("nothing")])
def test_a_lost_key_is_not_replaced_beside_its_vault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object]
) -> None:
    key = tmp_path / "key"
    run("init", "--home", str(tmp_path))
    copy, settings = key.read_bytes(), (tmp_path / "settings.toml").read_bytes()
    damage(key)
    damaged = key.exists()
    for command in ("run", "init", "run"):
        assert run(command, "--home", str(tmp_path)) == 1
        told = capsys.readouterr().err
        if damaged:
            assert "[key-damaged]" in told
        else:
            assert ("[store-foreign]" if command == "init" else "[key-missing]") in told
            assert f"put the key file that the vault was made with back: {key}; or " in told
        assert key.exists() is damaged

    key.write_bytes(copy)
    key.chmod(0o600)
    assert run("init", "--home", str(tmp_path)) == 0
    assert (key.read_bytes(), (tmp_path / "settings.toml").read_bytes()) == (copy, settings)

    key.unlink()
    capsys.readouterr()
    run("init", "--home", str(tmp_path))
    way = capsys.readouterr().err.partition("begin anew: ")[2].partition(" && intentron")[0]
    subprocess.run(way, shell=True, check=True)  # noqa: S602 - what a person would paste
    assert run("init", "--home", str(tmp_path)) == 0
    assert key.read_bytes() != copy
    assert (tmp_path / "other-key" / "vault.sqlite").exists()


def test_the_key_of_somebody_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mary, ruth = tmp_path / "mary", tmp_path / "ruth"
    for home in (mary, ruth):
        run("init", "--home", str(home))
    (mary / "key").write_bytes((ruth / "key").read_bytes())

    for command in ("run", "init"):
        assert run(command, "--home", str(mary)) == 1
        assert f"the vault in {mary} belongs to another key than the one that is there  [store-foreign]" in (
            capsys.readouterr().err
        )


@pytest.mark.parametrize("command", ["init", "run", "casts"])
def test_a_home_without_a_name_is_not_the_folder_that_one_is_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run(command, "--home", "") == 1
    assert "[bad-request]\nnext    name one, as --home " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_home_is_made_among_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letters").touch()
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)

    assert run("init", "--home", ".") == 1
    told = capsys.readouterr().err
    assert f"{tmp_path} is not empty, and no intentron lives there  [bad-request]\n" in told
    assert f"intentron init --home {tmp_path}/intentron\n" in told
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert run("init", "--home", str(tmp_path / "intentron")) == 0


def test_a_home_that_others_can_enter_is_told_and_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o755)

    assert run("init", "--home", str(tmp_path)) == 0
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert f"open        {tmp_path} can be entered by others on this computer\n" in (told := capsys.readouterr().out)
    assert f"to close it: chmod 700 {tmp_path}\n" in told


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--router", "router.example:7400"), "not a node address"),
        (("--petname", "condos"), "'condos' is not a petname"),
        (("--petname", "open=open:homes"), "not the word open"),
        (("--petname", "condos=homes boston"), "petnames.condos"),
        (("--petname", "ruth=urn:byway:node:abc"), "petnames.ruth"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], sentence: str
) -> None:
    assert run("init", "--home", str(tmp_path / "mary"), *flags) == 1
    told = capsys.readouterr().err
    assert sentence in told
    assert re.search(r"  \[bad-request\]\nnext    (intentron init --help|write it as --petname condos=urn:.*)\n", told)
    assert not (tmp_path / "mary" / "key").exists()


def test_the_home_may_be_named_by_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTENTRON_HOME", str(tmp_path))

    assert run("init") == 0
    assert (tmp_path / "key").exists()
    assert capsys.readouterr().out.endswith("next        intentron run\n")


def test_where_no_intentron_is_the_next_step_is_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("casts", "--home", str(tmp_path / "mary")) == 1
    assert capsys.readouterr().err == (
        f"error   there is no intentron in {tmp_path}/mary  [settings-missing]\n"
        f"next    intentron init --home {tmp_path}/mary\n"
    )


def test_where_none_runs_the_next_step_is_to_run_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTENTRON_HOME", str(tmp_path))
    run("init")
    capsys.readouterr()

    for words in (("status",), ("cast", "open:homes"), ("offers",), ("inbox",), ("events", "--follow")):
        assert run(*words) == 1
        assert capsys.readouterr().err == (
            f"error   the intentron in {tmp_path} does not run  [unreachable]\nnext    intentron run\n"
        )


def test_a_second_intentron_for_the_same_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init", "--home", str(tmp_path))
    with open_vault(tmp_path):
        assert run("run", "--home", str(tmp_path)) == 1

    assert "[store-locked]" in capsys.readouterr().err
