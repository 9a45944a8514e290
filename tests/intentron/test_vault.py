"""The vault's file: whose it is, what survives, and what people call things in it.  All on real files."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byway.errors import StoreError
from byway.protocol.limits import DAY_MS
from byway.protocol.urn import to_base32
from byway.store.sqlite.schema import migrations
from intentron.deal import NOBODY, Wish, draft_cast
from intentron.keys import Keys
from intentron.vault import AnswerState, Rule, Subscription, Vault, open_vault
from intentron.vault.database import SCHEMA
from intentron.vault.vault import VAULT_FILE
from tests.strategies.deals import NOW, ROUTER, answered, came, cast

SALT = bytes(range(16))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def rule_names(vault: Vault) -> list[str]:
    return [rule.name for rule in vault.rules.all()]


def refusal(home: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_vault(home)
    return caught.value


def test_what_was_kept_is_there_when_opened_again(home: Path) -> None:
    with open_vault(home) as vault:
        vault.rules.put(Rule("eggs", "every = 'day'"))

    with open_vault(home) as vault:
        assert vault.rules.get("eggs") == Rule("eggs", "every = 'day'")


MARY, RUTH = Keys(bytes(31) + b"m"), Keys(bytes(31) + b"r")


def is_refused(vault: Vault, keys: Keys) -> None:
    with pytest.raises(StoreError, match=str(vault.home)) as caught:
        vault.belong_to(keys)
    assert caught.value.code == "store-foreign"
    assert f"mv {vault.home}/{VAULT_FILE}*" in caught.value.next_step


def test_a_vault_belongs_to_the_keys_that_it_was_opened_with_first(home: Path) -> None:
    with open_vault(home) as vault:
        vault.belong_to(MARY)

    with open_vault(home) as vault:
        is_refused(vault, RUTH)
        vault.belong_to(MARY)


def test_a_vault_that_does_not_say_whose_it_is_is_judged_by_what_was_signed_in_it(home: Path) -> None:
    wish = Wish("urn:byway:topic:open:homes", {}, {}, 5, (), DAY_MS)
    draft = draft_cast(wish, key=MARY.cast(SALT), reply_secret=SALT * 2, authority=NOBODY, now_ms=NOW)
    with open_vault(home) as vault:
        vault.casts.add(draft.cast, draft.mailbox, salt=SALT, sentence="", router=None, authority=None, now=NOW)

        is_refused(vault, RUTH)
        vault.belong_to(MARY)


def test_a_sellers_vault_is_judged_by_its_offers(home: Path) -> None:
    with open_vault(home) as vault:
        came(vault)
        answered(vault)

        is_refused(vault, MARY)


def test_the_time_that_was_noted_last_is_kept(home: Path) -> None:
    with open_vault(home) as vault:
        assert vault.noted_time() is None
        vault.note_time(NOW)
        vault.note_time(NOW - 1)

    with open_vault(home) as vault:
        assert vault.noted_time() == NOW - 1


def test_only_the_owner_may_use_the_vault(home: Path) -> None:
    before = os.umask(0)
    try:
        with open_vault(home):
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    finally:
        os.umask(before)

    assert modes == {VAULT_FILE: 0o600, f"{VAULT_FILE}-wal": 0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_vault_that_others_may_use_is_made_private_again(home: Path) -> None:
    open_vault(home).close()
    (home / VAULT_FILE).chmod(0o644)

    open_vault(home).close()

    assert stat.S_IMODE((home / VAULT_FILE).stat().st_mode) == 0o600


def test_it_is_flushed_before_a_method_returns(home: Path) -> None:
    with open_vault(home) as vault:
        pragmas = ["journal_mode", "synchronous", "locking_mode", "foreign_keys"]
        assert [vault._database.rows(f"PRAGMA {name}")[0][0] for name in pragmas] == ["wal", 2, "exclusive", 1]


def test_a_second_opener_is_told_that_an_intentron_runs_already(home: Path) -> None:
    with open_vault(home):
        error = refusal(home)

    assert error.code == "store-locked"
    assert str(error) == f"another process has the vault {home / VAULT_FILE} open"
    assert error.next_step == "an intentron already runs for this folder: use it, or stop it first"
    open_vault(home).close()


HOLD_WITHOUT_COMMIT = """
import pathlib, sys
from intentron.vault import Rule, open_vault
vault = open_vault(pathlib.Path(sys.argv[1]))
vault.rules.put(Rule("kept", ""))
with vault.transaction():
    vault.rules.put(Rule("half", ""))
    vault.rules.remove("kept")
    print("inside", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_leaves_what_was_committed_and_nothing_else(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_WITHOUT_COMMIT, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"inside\n"
        assert refusal(home).code == "store-locked"
        process.send_signal(signal.SIGKILL)

    with open_vault(home) as vault:
        assert rule_names(vault) == ["kept"]


def test_every_change_is_in_the_file_without_closing(home: Path, tmp_path: Path) -> None:
    """A copy of the files at any moment, as a crash would leave them, has what a method returned for."""
    with open_vault(home) as vault:
        vault.rules.put(Rule("first", ""))
        with vault.transaction():
            vault.rules.put(Rule("second", ""))
            shutil.copytree(home, tmp_path / "before")
        shutil.copytree(home, tmp_path / "after")

    for folder, expected in (("before", ["first"]), ("after", ["first", "second"])):
        with open_vault(tmp_path / folder) as copy:
            assert rule_names(copy) == expected


def put_and_fail(vault: Vault) -> None:
    with vault.transaction():
        vault.rules.put(Rule("first", ""))
        with vault.transaction():
            vault.rules.put(Rule("second", ""))
        raise ZeroDivisionError


def test_a_transaction_is_made_whole_or_not_at_all(home: Path) -> None:
    with open_vault(home) as vault:
        with pytest.raises(ZeroDivisionError):
            put_and_fail(vault)

        assert rule_names(vault) == []


def test_an_inner_transaction_can_fail_alone(home: Path) -> None:
    with open_vault(home) as vault:
        with vault.transaction():
            vault.rules.put(Rule("outer", ""))
            with pytest.raises(ZeroDivisionError):
                put_and_fail(vault)

        assert rule_names(vault) == ["outer"]


def test_a_file_that_is_no_database_is_left_alone(home: Path) -> None:
    home.mkdir()
    (home / VAULT_FILE).write_bytes(b"my diary" * 1000)

    error = refusal(home)

    assert error.code == "store-damaged"
    assert error.next_step
    assert (home / VAULT_FILE).read_bytes() == b"my diary" * 1000


@pytest.mark.parametrize("pragma", ["application_id = 7", f"user_version = {2**20}"])
def test_a_database_of_another_program_or_a_newer_one_is_left_alone(home: Path, pragma: str) -> None:
    open_vault(home).close()
    connection = apsw.Connection(str(home / VAULT_FILE))
    connection.execute(f"PRAGMA {pragma}")
    connection.close()

    error = refusal(home)

    assert error.code == "store-damaged"
    assert str(home / VAULT_FILE) in str(error)


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    error = refusal(tmp_path / "file" / "home")

    assert error.code == "data-unwritable"
    assert error.next_step


def test_a_full_disk_refuses_and_the_vault_goes_on(home: Path) -> None:
    with open_vault(home) as vault:
        vault.rules.put(Rule("before", ""))
        vault._database.rows("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError) as caught:
            vault.rules.put(Rule("large", "x" * 100_000))
        vault._database.rows("PRAGMA max_page_count = 100000")
        vault.rules.put(Rule("after", ""))

        assert caught.value.code == "store-full"
        assert rule_names(vault) == ["after", "before"]


def test_after_an_io_error_nothing_more_is_written(home: Path) -> None:
    with open_vault(home) as vault:
        vault.rules.put(Rule("before", ""))
        with pytest.raises(StoreError) as first, vault.transaction():
            raise apsw.IOError("the disk went away")
        with pytest.raises(StoreError) as second:
            vault.rules.put(Rule("after", ""))

        assert (first.value.code, second.value.code) == ("store-failed", "store-failed")
        assert "takes nothing more" in str(second.value)
        assert rule_names(vault) == ["before"]


def test_the_schema_is_of_its_own_kind(home: Path) -> None:
    with open_vault(home) as vault:
        assert vault._database.row("PRAGMA application_id") == (SCHEMA.application_id,)
        assert vault._database.row("PRAGMA user_version") == (len(migrations(SCHEMA)),)


def test_a_vault_of_the_first_version_is_brought_up_to_date(home: Path) -> None:
    made, later = cast("mary"), cast("john")
    home.mkdir(mode=0o700)
    connection = apsw.Connection(str(home / VAULT_FILE))
    connection.execute(migrations(SCHEMA)[0])
    connection.pragma("application_id", SCHEMA.application_id)
    connection.pragma("user_version", 1)
    insert = """
        INSERT INTO names VALUES ('C-AAAA', ?1), ('O-AAAA', ?2), ('O-BBBB', ?3);
        INSERT INTO inbox VALUES (?1, ?4, 'homes', 1, 1, 9, 'answered');
        INSERT INTO answers VALUES
            (?2, ?1, ?4, ?5, 1, '', 1, 9, 'stored', ''),
            (?3, ?1, ?4, ?6, 2, '', 2, 9, 'stored', '');
        INSERT INTO outbox VALUES
            (?5, ?7, ?4, 'outer', ?1, 9, 1, 1, 'stored', x'01', ''),
            (?6, ?7, ?4, 'outer', ?1, 9, 1, 1, 'stored', x'02', '');
        INSERT INTO subscriptions VALUES ('homes', 'open:homes', '', ?7);
    """
    ids = [bytes([number]) * 32 for number in range(1, 6)]
    values = (made.id, ids[0], ids[1], later.data, ids[2], ids[3], str(ROUTER))
    for statement in insert.split(";")[:-1]:
        used = max(int(mark) for mark in re.findall(r"\?(\d)", statement))
        connection.execute(statement, values[:used])
    connection.close()
    (home / VAULT_FILE).chmod(0o600)

    with open_vault(home) as vault:
        answers = vault.answers.to_cast(made.id)
        assert [(answer.state, answer.receipt, answer.node) for answer in answers] == [
            (AnswerState.STORED, b"\2", ROUTER),
            (AnswerState.REPLACED, b"\1", ROUTER),
        ]
        assert vault.subscriptions.all() == [Subscription("homes", "open:homes", "", ROUTER, named=True)]
        assert vault._database.rows("PRAGMA foreign_key_check") == []


def test_a_name_is_four_characters_and_found_in_any_case(home: Path) -> None:
    with open_vault(home) as vault:
        statement = cast()
        name = vault.names.give("C", statement.id)

        assert name == f"C-{to_base32(statement.id)[:4].upper()}"
        assert vault.names.find(f" {name.lower()} ") == statement.id
        assert vault.names.find("C-0000") is None


def test_a_name_that_is_taken_gets_one_character_more(home: Path) -> None:
    ids = [bytes(4) + bytes([number]) * 28 for number in range(3)]

    with open_vault(home) as vault:
        names = [vault.names.give("C", statement_id) for statement_id in ids]

        assert names == ["C-AAAA", "C-AAAAA", "C-AAAAAA"]
        assert [vault.names.find(name) for name in names] == ids
        assert [vault.names.give("C", statement_id) for statement_id in ids] == names
        assert vault.names.give("O", bytes(31) + b"\1") == "O-AAAA"


crowded_ids = st.lists(st.sampled_from([0, 1, 8, 255]), max_size=3).map(lambda head: bytes([*head, *[0] * 32])[:32])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["C", "O"]), crowded_ids | st.binary(min_size=32, max_size=32)), max_size=12))
def test_names_are_unique_stay_and_lead_back(statements: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as home, open_vault(Path(home)) as vault:
        given_names: dict[bytes, str] = {}
        for letter, statement_id in statements:
            name = vault.names.give("C" if letter == "C" else "O", statement_id)
            assert given_names.setdefault(statement_id, name) == name

        assert len(set(given_names.values())) == len(given_names)
        assert all(vault.names.find(name) == statement_id for statement_id, name in given_names.items())
