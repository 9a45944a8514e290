"""`byway-authority` with what is missing or cannot be: a sentence, and a next step of this program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey

from authorities.cli.app import app
from byway.cli.report import FAILED, run_command
from byway.key_file import create_key
from byway.protocol.urn import node_urn
from byway.store.sqlite.store import open_store
from intentron.demo.ground import Ground, start_ground
from intentron.demo.processes import Daemon

NODE = node_urn(bytes(32))
WITHIN_S = 120
HALVES = ("addressing", "messaging")
TO = ("--router", NODE, "--messaging", NODE)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    assert run_command(lambda: app(words)) == FAILED
    out, err = capsys.readouterr()
    assert out == ""
    error, next_step = err.splitlines()
    return error.removeprefix("error   "), next_step.removeprefix("next    ")


@pytest.fixture
def authority(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The settings file of an addressing authority that does not run."""
    settings = tmp_path / "a.toml"
    words = ("addressing", "init", str(settings), "--data", str(tmp_path), "--listen", "127.0.0.1:1")
    assert run_command(lambda: app(words)) == 0
    capsys.readouterr()
    return settings


@pytest.mark.parametrize("half", HALVES)
def test_init_says_how_it_is_run(half: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "it.toml"

    assert run_command(lambda: app((half, "init", str(settings), "--data", str(tmp_path)))) == 0
    assert capsys.readouterr().out.endswith(f"next        byway-authority {half} run {settings}\n")


@pytest.mark.parametrize("half", HALVES)
def test_what_is_missing_is_made_by_its_own_init(half: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "it.toml"
    made_by = f"byway-authority {half} init {settings}"
    error, next_step = refused(capsys, half, "run", str(settings))
    assert "[settings-missing]" in error
    assert next_step == made_by

    settings.write_text('data = "."\n')
    error, next_step = refused(capsys, half, "run", str(settings))
    assert "[key-missing]" in error
    assert next_step == made_by

    create_key(tmp_path / "key", os.urandom)
    (tmp_path / "key").write_text("nothing")
    error, next_step = refused(capsys, half, "run", str(settings))
    assert "[key-damaged]" in error
    assert next_step.endswith(f"&& {made_by}")


@pytest.mark.parametrize("half", HALVES)
def test_no_key_is_made_beside_the_store_of_another(
    half: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_store(tmp_path, node_key=bytes(SigningKey.generate().verify_key), random=os.urandom).close()
    settings = tmp_path / "it.toml"
    settings.write_text('data = "."\n')

    for command in ("run", "init"):
        assert "[store-foreign]" in refused(capsys, half, command, str(settings))[0]
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("half", HALVES)
def test_a_flag_that_cannot_be_is_told_with_the_help_of_its_command(
    half: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error, next_step = refused(capsys, half, "init", str(tmp_path / "it.toml"), "--listen", "7402")

    assert error.startswith('listen cannot be "7402"')
    assert next_step == f"byway-authority {half} init --help"
    assert not (tmp_path / "it.toml").exists()


@pytest.mark.parametrize(
    ("words", "sentence", "next_step"),
    [
        (("x y", *TO), "'x y' is no name of a topic  [bad-urn]", "write it as homes:boston"),
        (("", *TO), "'' is no name of a topic  [bad-urn]", "write it as homes:boston"),
        (
            ("x", "--router", "NODE", "--messaging", NODE),
            "--router is not the URN of a node: 'NODE'",
            "--router urn:byway:",
        ),
        (
            ("x", "--router", NODE, "--messaging", f"{NODE}@a:1"),
            f"--messaging is not the URN of a node: '{NODE}@a:1'",
            f"--messaging {NODE}, as that node prints it",
        ),
        (("x", *TO, "--at", "nowhere"), "'nowhere' is not an address", "say where the authority listens"),
        (("x", *TO, "--at", "a:0"), "'a:0' says port 0", "say where the authority listens"),
        (
            ("x", *TO, "--label", "x" * 65),
            "label: a label has at most 64 bytes",
            "byway-authority addressing topic --h",
        ),
        (("x", *TO), "127.0.0.1:1 cannot be reached: nobody listens there", "byway-authority addressing run "),
    ],
)
def test_a_topic_that_cannot_be_registered_is_told(
    authority: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str, next_step: str
) -> None:
    error, told = refused(capsys, "addressing", "topic", *words, "--settings", str(authority))

    assert error.startswith(sentence)
    assert told.startswith(next_step)


def test_what_was_typed_wrongly_is_told_with_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        run_command(lambda: app(("addressing", "topic")))

    assert exit_.value.code == 2
    assert capsys.readouterr().err.endswith("[bad-request]\nnext    byway-authority addressing topic --help\n")


@pytest.mark.parametrize(
    ("words", "flag"), [(("messaging", "init"), "--register-at"), (("addressing", "topic"), "--router")]
)
def test_a_list_that_can_be_given_often_has_no_flag_that_empties_it(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], flag: str
) -> None:
    app((*words, "--help"))

    out = capsys.readouterr().out
    assert flag in out
    assert "--empty" not in out


@pytest.mark.slow
async def test_a_topic_is_registered_with_a_warning_for_each_node_that_is_not_what_it_is_named_as(
    tmp_path: Path,
) -> None:
    everybody: list[Daemon] = []
    try:
        with trio.fail_after(WITHIN_S):
            ground = await start_ground(tmp_path, everybody)
            router, messaging = ground.router.node, ground.messaging.node
            said = await register(ground, router, messaging)
            while "no record" in said:  # they make themselves known in their own time
                said = await register(ground, router, messaging)
            swapped = await register(ground, messaging, router)
            unknown = await register(ground, NODE, messaging)
    finally:
        for daemon in everybody:
            await daemon.kill()

    topic = f"urn:byway:topic:{ground.addressing.node.rpartition(':')[2]}:homes:boston"
    assert (
        said
        == f"registered  {topic}\nnext        intentron init --authority {ground.addressing} --petname homes={topic}\n"
    )
    assert "warning     --router: that node says that it is of the role messaging, not router\n" in swapped
    assert "warning     --messaging: that node says that it is of the role router, not messaging\n" in swapped
    assert unknown.count("warning") == 1
    assert "warning     --router: this authority has no record of that node yet" in unknown


async def register(ground: Ground, router: str, messaging: str) -> str:
    words = ("topic", "homes:boston", "--router", router, "--messaging", messaging, "--settings", str(ground.settings))
    done = await trio.run_process([sys.executable, "-m", "authorities", "addressing", *words], capture_stdout=True)
    return done.stdout.decode()
