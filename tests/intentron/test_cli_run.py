"""`intentron run` as a real process: what it says, who can reach it, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from byway.cli.report import run_command
from byway.clock import now_ms
from byway.node_address import NodeAddress
from byway.protocol.limits import DAY_MS
from byway.protocol.urn import node_urn
from intentron.api.listening import socket_path
from intentron.cli.app import app
from intentron.deal import Wish, draft_cast
from intentron.keys import Keys, load_keys
from intentron.vault import Subscription, open_vault
from tests.intentron.town import Shell
from tests.strategies.deals import asked

pytestmark = pytest.mark.slow

NOBODY = NodeAddress(node_urn(bytes(32)), "127.0.0.1:1")
WITHIN_S = 20
SALT = bytes(range(16))


@pytest.fixture
def mary(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr("intentron.cli.cast.SETTLED_WITHIN_S", 0.1)
    nodes = ("--router", str(NOBODY), "--messaging", str(NOBODY))
    run_command(lambda: app(("init", "--home", str(tmp_path), *nodes)))
    return Shell(tmp_path, capsys)


@contextmanager
def process(home: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "intentron", *words, "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def running(home: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process of the node, and what it has said when it was ready."""
    with process(home, "run", *words) as node:
        said: list[str] = []
        while not said or said[-1] not in {"ready", ""}:
            said.append(line_of(node))
        yield node, said


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip()


def test_it_says_where_it_listens_and_who_it_is_and_stops_when_told(mary: Shell) -> None:
    with running(mary.home) as (node, said):
        path = socket_path(mary.home)
        urn = node_urn(bytes(load_keys(mary.home).identity().verify_key))
        assert said == [
            f"listening   {path}",
            "reach       you alone, on this computer",
            "recovered   nothing yet",
            "ready",
        ]
        assert mary.told("status")["node"] == urn

        node.send_signal(signal.SIGTERM)
        out, err = node.communicate(timeout=WITHIN_S)
        assert out == "stopping    SIGTERM\nstopped     everything is in the vault; it goes on when it is run again\n"
        assert (node.returncode, err) == (0, "")
    assert not path.exists()
    assert "does not run" in mary.fails("status")


def test_a_node_that_was_killed_goes_on_where_it_was(mary: Shell) -> None:
    with running(mary.home) as (node, _):
        assert "nothing is lost" in mary("cast", "open:homes:boston", "--facet", "beds=2")
        before = mary.told("casts")
        node.kill()
        node.wait(WITHIN_S)
    assert socket_path(mary.home).exists()

    with running(mary.home, "--log", "json") as (node, said):
        assert "recovered   1 open cast" in said
        after = mary.told("casts")
        assert [(cast["name"], cast["state"], cast["expires"]) for cast in after] == [
            (cast["name"], "waiting", cast["expires"]) for cast in before
        ]
        node.send_signal(signal.SIGINT)
        node.communicate(timeout=WITHIN_S)
        assert node.returncode == 0


def test_a_second_one_for_the_same_folder_is_refused_and_the_first_goes_on(mary: Shell) -> None:
    with running(mary.home):
        told = mary.fails("run")
        assert "[store-locked]\nnext    " in told
        assert mary("casts")


def test_a_seller_is_told_as_whom_and_a_person_what_became_of_her_casts(mary: Shell) -> None:
    with open_vault(mary.home) as vault:
        refused, closed = asked(vault, "a"), asked(vault, "b")
        vault.casts.record_refusal(refused.id, "too-large", "it is over the limit")
        vault.casts.close(closed.id)
        vault.subscriptions.put(Subscription("homes", "open:homes:**", "", NOBODY))

    with running(mary.home) as (_, said):
        assert any(line.startswith("you sell as urn:byway:node:") for line in said)
        assert "recovered   1 refused cast, 1 cast that is over, 1 subscription" in said


def test_a_clock_that_was_set_wrong_while_it_was_off_deletes_no_history(mary: Shell) -> None:
    now = now_ms()
    before = now - 300 * DAY_MS
    wish = Wish("urn:byway:topic:open:homes", {}, {}, 5, (), DAY_MS)
    cast = draft_cast(wish, key=Keys(bytes(32)).cast(SALT), reply_secret=SALT * 2, authority=NOBODY.node, now_ms=before)
    with open_vault(mary.home) as vault:
        assert vault.inbox.receive(cast.cast, sub="homes", sequence=1, now=before)
        vault.note_time(before + 10 * DAY_MS)

    for flags, kept in ((), 1), (("--believe-clock",), 0):
        with running(mary.home, "--log", "json", *flags) as (node, _):
            mary.until(bool, "status")
            node.send_signal(signal.SIGTERM)
            _, err = node.communicate(timeout=WITHIN_S)
        assert ("intentron run --believe-clock --home" in err) is bool(kept)
        with open_vault(mary.home) as vault:
            assert len(vault.inbox.all()) == kept
            noted = vault.noted_time()
            assert noted
            assert (noted < before + 11 * DAY_MS) is bool(kept)


def test_a_key_that_others_can_read_is_refused(mary: Shell) -> None:
    (mary.home / "key").chmod(0o644)

    assert f"next    chmod 600 {mary.home}/key" in mary.fails("run")


def test_a_reader_that_has_seen_enough_is_no_mistake(mary: Shell) -> None:
    with running(mary.home), process(mary.home, "cast", "open:homes:boston", "--dry-run") as shown:
        assert shown.stdout is not None
        assert shown.stderr is not None
        shown.stdout.close()
        assert shown.stderr.read() == ""


def test_whoever_follows_the_events_is_told_when_the_node_stops(mary: Shell) -> None:
    with running(mary.home) as (node, _):
        mary("cast", "open:homes:boston")
        with process(mary.home, "events", "--follow") as follower:
            assert "  cast_kept  cast C-" in line_of(follower)
            node.send_signal(signal.SIGTERM)
            _, err = follower.communicate(timeout=WITHIN_S)
            assert follower.returncode == 1
            assert "error   the intentron in " in err
            assert "Traceback" not in err
