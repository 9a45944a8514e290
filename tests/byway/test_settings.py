"""Settings files: what is read, and with which sentence, line and next step the rest is refused."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from byway.errors import CODES, SetupError
from byway.node_address import NodeAddressSetting, parse_node_address
from byway.protocol.body import TermsUrn
from byway.protocol.urn import node_urn
from byway.settings import RouterSettings, describe_settings, load_toml, write_settings
from byway.toml_text import Lines, toml_value

Room = AbstractContextManager[None]
NODE = f"{node_urn(bytes(32))}@[::1]:7401"


class Place(BaseModel):
    """A nested table."""

    model_config = ConfigDict(frozen=True)

    radius_m: int = Field(1000, ge=0, description="How far to look.")


class Market(BaseModel):
    """A market, with a setting of every sort."""

    model_config = ConfigDict(frozen=True)

    name: str = Field("homes", description="What people call it.")
    near: NodeAddressSetting | None = Field(None, description="The node to ask.", examples=[NODE])
    weights: tuple[float, ...] = Field((0.5, 1.0), description="What counts how much.")
    open: bool = Field(default=True, description="Whether it is open.")
    place: Place = Field(Place(), description="Where it is.")
    labels: dict[str, str] = Field({}, description="Names of one's own.")


def refusal(path: Path, text: str | bytes, model: type[BaseModel] = RouterSettings) -> SetupError:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SetupError) as caught:
        load_toml(path, model)
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_an_empty_file_means_the_defaults(path: Path) -> None:
    path.touch()

    assert load_toml(path, RouterSettings) == RouterSettings()


def test_what_is_set_is_read_in_its_type(path: Path) -> None:
    path.write_text(
        f'listen = ["127.0.0.1:0", "[::]:7400"]\nstop_deadline_s = 2\nlog = "json"\nregister_at = ["{NODE}"]\n'
    )

    loaded = load_toml(path, RouterSettings)

    assert loaded.listen == ("127.0.0.1:0", "[::]:7400")
    assert (loaded.stop_deadline_s, loaded.log) == (2.0, "json")
    assert loaded.register_at == (parse_node_address(NODE),)


def test_a_relative_folder_starts_at_the_settings_file(path: Path) -> None:
    path.write_text('data = "journal"\n')

    assert load_toml(path, RouterSettings).data == path.parent / "journal"


def test_a_folder_may_begin_at_home(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/mary")
    path.write_text('data = "~/journal"\n')

    assert load_toml(path, RouterSettings).data == Path("/home/mary/journal")


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_known_one(path: Path) -> None:
    error = refusal(path, '# a router\n\nlog = "json"\nlisen = ["127.0.0.1:7400"]\n')

    assert error.code == "settings-unknown-key"
    assert str(error) == f'{path}, line 4: "lisen" is not a setting; did you mean "listen"?'
    assert error.next_step == f"edit line 4 of {path}"


def test_an_unknown_key_far_from_all_is_answered_with_all(path: Path) -> None:
    error = refusal(path, "q = 1\n")

    assert '"q" is not a setting; known here: data, listen, ' in str(error)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[place]\n\nradius = 5\n", 3, "place.radius"),
        ("place.radius = 5\n", 1, "place.radius"),
        ("# one line\nplace = { radius_m = 1, radius = 5 }\n", 2, "place.radius"),
        ("weights = [\n  1.0,\n  2.0,\n]\nnam = 1\n", 5, "nam"),
        ('name = """\nnam = 1\n"""\n"nam" = 2\n', 4, "nam"),
        ("[labels]\na = 'b'\n[place]\nradius_m = 1\n[plaice]\n", 5, "plaice"),
        ("open = true\r\nnam = 1\r\n", 2, "nam"),
    ],
)
def test_the_line_is_found_however_the_key_is_written(path: Path, text: str, line: int, key: str) -> None:
    error = refusal(path, text, Market)

    assert error.code == "settings-unknown-key"
    assert str(error).startswith(f'{path}, line {line}: "{key}" is not a setting; did you mean')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("verify_workers = -1", "verify_workers cannot be -1: it has to be at least 0 (Processes"),
        ('max_links = "many"', 'max_links cannot be "many": it has to be a whole number (Links open'),
        ("max_links = 3.5", "max_links cannot be 3.5: it has to be a whole number"),
        ("max_links = true", "max_links cannot be true: it has to be a whole number"),
        ('log = "xml"', "log cannot be \"xml\": it has to be 'text' or 'json' (How log lines are written"),
        ("stop_deadline_s = nan", "stop_deadline_s cannot be NaN: it has to be a number that ends (Seconds"),
        ('listen = ["7400"]', "listen cannot be \"7400\": '7400' is not an address, which looks like HOST:PORT"),
        ("listen = []", "listen cannot be []: the list has too few entries: at least 1 are needed (The addresses"),
        ("listen = [7400]", "listen cannot be 7400: it has to be text in quotes (The addresses"),
        ('public_addresses = ["a:0"]', "public_addresses cannot be \"a:0\": 'a:0' says port 0"),
        ('register_at = ["a:1"]', "register_at cannot be \"a:1\": 'a:1' is not a node address, which looks like"),
        ("data = 1", "data cannot be 1: it has to be text in quotes (The folder"),
        ("max_links = 2020-01-01", 'max_links cannot be "2020-01-01": it has to be a whole number'),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(path: Path, text: str, told: str) -> None:
    error = refusal(path, f"\n{text}\n")

    assert error.code == "settings-bad-value"
    assert str(error).startswith(f"{path}, line 2: {told}")


def test_what_a_check_of_our_own_says_needs_no_description(path: Path) -> None:
    assert str(refusal(path, 'listen = ["7400"]')).endswith("which looks like HOST:PORT")


def test_a_urn_that_is_none_is_told_without_its_grammar(path: Path) -> None:
    class Shop(BaseModel):
        terms: tuple[TermsUrn, ...] = ()

    error = refusal(path, '\nterms = [""]\n', Shop)

    expected = "it is not what is expected here, which begins with urn:byway: and is spelled in one way only"
    assert str(error) == f'{path}, line 2: terms cannot be "": {expected}'


def test_of_several_faults_the_first_in_the_file_is_told(path: Path) -> None:
    error = refusal(path, "max_links = 0\nmax_handshakes = 0\nlisen = 1\n")

    assert str(error).startswith(f"{path}, line 1: max_links cannot be 0")


def test_a_setting_without_default_has_to_be_set(path: Path) -> None:
    class Needy(BaseModel):
        key: str = Field(description="The key to the door.")

    error = refusal(path, "", Needy)

    assert error.code == "settings-bad-value"
    assert str(error) == f"{path}: key has to be set (The key to the door)"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"log = \n", 1),
        (b'log = "text"\nlog = "json"\n', 2),
        (b'log = "text"\n\nlisten = [\n', 3),
        (b'log = "text"\n# caf\xe9\n', 2),
        (b"max_links = " + b"9" * 5000, 1),
        (b"listen = " + b"[" * 5000, 1),
    ],
)
def test_what_is_not_toml_is_refused_with_its_line(path: Path, text: bytes, line: int) -> None:
    error = refusal(path, text)

    assert error.code == "settings-unreadable"
    assert str(error).startswith(f"{path}, line {line}: this is not ")


@pytest.mark.parametrize(
    "text",
    [
        "labels." + "a." * 1100 + "a = 1",
        "[labels." + "a." * 1100 + "a]",
        "labels." + "a." * 300 + "a = 1",
        "size = 0x" + "f" * 4000,
    ],
    ids=["dots", "a table with dots", "fewer dots", "digits"],
)
def test_what_toml_lets_grow_without_end_is_refused(path: Path, text: str) -> None:
    error = refusal(path, text)

    assert error.code == "settings-unreadable"
    assert "nested too deep" in str(error)
    assert error.next_step == f"edit {path}"


def test_a_missing_file_is_answered_with_the_command_that_makes_it(path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        load_toml(path, RouterSettings, made_by="byway init elsewhere.toml")

    assert caught.value.code == "settings-missing"
    assert caught.value.next_step == "byway init elsewhere.toml"


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        load_toml(tmp_path, RouterSettings)

    assert caught.value.code == "settings-unreadable"
    assert caught.value.next_step == f"ls -ld {tmp_path}"


words = st.sampled_from(["listen", "log", "max_links", "[place]", "[labels]", "=", '"text"', "1", "[", "]", "#", "\n"])


@given(st.lists(words, max_size=12).map(" ".join) | st.text(max_size=40) | st.binary(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_file_is_read_or_refused_with_a_known_code(path: Path, content: str | bytes) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))

    code = "settings-unreadable"
    try:
        load_toml(path, RouterSettings)
    except SetupError as error:
        code = error.code

    assert code in CODES


@pytest.mark.parametrize("model", [RouterSettings, Market])
def test_the_described_settings_load_as_the_defaults(path: Path, model: type[BaseModel]) -> None:
    path.write_text(describe_settings(model))

    assert load_toml(path, model) == model()


def test_every_default_is_described_and_is_one(path: Path) -> None:
    text = describe_settings(RouterSettings)
    path.write_text(re.sub(r"^#(?=\w)", "", text, flags=re.MULTILINE))

    assert load_toml(path, RouterSettings) == RouterSettings()
    assert set(tomllib.loads(path.read_text())) == set(RouterSettings.model_fields)
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_setting_without_default_value_is_shown_by_an_example() -> None:
    assert f'#near = "{NODE}"\n' in describe_settings(Market)


chosen_markets = st.builds(
    Market,
    name=st.text(),
    near=st.none() | st.just(parse_node_address(NODE)),
    weights=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3).map(tuple),
    open=st.booleans(),
    place=st.builds(Place, radius_m=st.integers(0, 2**62)),
    labels=st.dictionaries(st.text(), st.text(), max_size=3),
)


@given(chosen_markets)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_chosen_is_written_and_read_back(path: Path, chosen: Market) -> None:
    path.write_text(describe_settings(Market, chosen), encoding="utf-8", newline="")

    assert load_toml(path, Market) == chosen


@given(st.dictionaries(st.text(max_size=8), st.text() | st.integers() | st.lists(st.text()), max_size=6))
def test_every_key_is_found_in_its_line(table: dict[str, Any]) -> None:
    text = "\n".join(f"{toml_value(key)} = {toml_value(value)}" for key, value in table.items())

    assert [Lines(text).find((key, 7)) for key in table] == list(range(1, len(table) + 1))


TABLES = [
    'name = "a # [ b"  # {',
    "weights = [  # the first ] of two",
    '    0.5, "]",',
    "    [1.0, 2.0]]",
    'labels.one = """\\',
    "    [not]",
    '    a \\""" = table"""""',
    "'two \"words' = '''[[",
    "'''''",
    "",
    "[place]",
    "radius_m = 1",
    '"far.off".more = { a = [',
    '    1], b = "}" }',
    "",
    "[[many.more]]",
    "name = 2",
]


def test_what_is_set_over_several_lines_is_found_in_the_first() -> None:
    text = "\n".join(TABLES)
    lines = Lines(text)

    assert [lines.find((key,)) for key in tomllib.loads(text)] == [1, 2, 5, 8, 11, 16]
    assert [lines.find(("labels", "one")), lines.find(("place",)), lines.find(("place", "radius_m"))] == [5, 11, 12]
    assert [lines.find(("place", "far.off", "more", name)) for name in ("a", "b", "c")] == [13, 13, 13]
    assert [lines.find(("place", "none")), lines.find(("many", "more", 0, "name")), lines.find(("none",))] == [
        11, 16, None,
    ]  # fmt: skip


def test_many_mistakes_in_a_long_file_are_told_at_once(path: Path) -> None:
    """The first of them, and its line, in time that grows as the file does."""
    lists = "listen = [\n" + "1,\n" * 20_000 + "]\n"
    keys = "".join(f"a{number} = [\n]\n" for number in range(10_000))

    for text, line in ((lists, 1), (keys, 1), ("[labels]\n" + keys, 2)):
        started = time.thread_time()
        assert f"line {line}:" in str(refusal(path, text, Market if "labels" in text else RouterSettings))
        assert time.thread_time() - started < 5


def test_settings_are_written_once_with_what_was_given(path: Path) -> None:
    given_values = {"listen": ["127.0.0.1:7499"], "data": "journal"}

    written = write_settings(path, RouterSettings, given_values)

    assert written.data == path.parent / "journal"
    assert written == load_toml(path, RouterSettings)
    assert '\nlisten = ["127.0.0.1:7499"]\n' in path.read_text()


def test_a_settings_file_that_is_there_stays_as_it_is(path: Path) -> None:
    path.write_text("# mine\n")

    with pytest.raises(SetupError, match="already; it stays as it is"):
        write_settings(path, RouterSettings, {})

    assert path.read_text() == "# mine\n"


def test_settings_that_could_not_be_read_are_not_written(path: Path) -> None:
    with pytest.raises(SetupError, match=r"\Alisten cannot be") as caught:
        write_settings(path, RouterSettings, {"listen": ["nowhere"]})

    assert caught.value.code == "bad-request"
    assert not path.exists()


def test_a_settings_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SetupError, match="cannot be written") as caught:
        write_settings(tmp_path / "file" / "settings.toml", RouterSettings, {})

    assert caught.value.code == "data-unwritable"


def test_a_full_disk_leaves_no_half_of_a_settings_file(path: Path, room_for_bytes: Callable[[int], Room]) -> None:
    with room_for_bytes(10), pytest.raises(SetupError, match="cannot be written") as caught:
        write_settings(path, RouterSettings, {})

    assert caught.value.code == "data-unwritable"
    assert not path.exists()
