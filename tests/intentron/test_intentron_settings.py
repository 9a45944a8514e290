"""What a person may choose, and where her intentron lives."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from byway.errors import SetupError
from byway.node_address import parse_node_address
from byway.protocol.urn import node_urn, to_base32
from byway.settings import describe_settings
from intentron.settings import SETTINGS_FILE, IntentronSettings, home_folder, load_settings

NODE = f"{node_urn(bytes(32))}@127.0.0.1:7400"
ROOT = to_base32(bytes(32))


def load(home: Path, text: str) -> IntentronSettings:
    (home / SETTINGS_FILE).write_text(text)
    return load_settings(home)


def test_without_choices_nothing_is_sent_anywhere(tmp_path: Path) -> None:
    settings = load(tmp_path, "")

    assert settings == IntentronSettings()
    assert (settings.authorities, settings.router, settings.messaging) == ((), None, None)


def test_choices_are_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        f"""
        authorities = ["{NODE}"]
        router = "{NODE}"
        messaging = "{NODE}"
        terms = ["urn:byway:terms:customercommons:nostalking"]
        max_offers = 5
        cast_lifetime_days = 30

        [petnames]
        boston = "urn:byway:topic:{ROOT}:homes:boston"
        food = "open:food:**"
        ruth = "{node_urn(bytes(32))}"
        """,
    )

    assert settings.authorities == (parse_node_address(NODE),)
    assert settings.router == settings.messaging == parse_node_address(NODE)
    assert settings.terms == ("urn:byway:terms:customercommons:nostalking",)
    assert settings.petnames == {
        "boston": f"urn:byway:topic:{ROOT}:homes:boston",
        "food": "open:food:**",
        "ruth": node_urn(bytes(32)),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("max_offers = 0", "max_offers cannot be 0: it has to be at least 1 (How many offers"),
        ("cast_lifetime_days = 31", "cast_lifetime_days cannot be 31: it has to be at most 30"),
        ('router = "router.example:7400"', 'router cannot be "router.example:7400": '),
        (
            'terms = ["nostalking"]',
            'terms cannot be "nostalking": it is not what is expected here, which begins with urn:byway: and',
        ),
        ('petnames.Boston = "open:a"', 'petnames.Boston cannot be "Boston": a petname is'),
        ('petnames.open = "open:a"', 'petnames.open cannot be "open": a petname is'),
        ('petnames.a = "open"', "petnames.a cannot be \"open\": 'open' is not a topic pattern"),
        ('petnames.a = "urn:byway:topic:open:*"', 'petnames.a cannot be "urn:byway:topic:open:*": '),
    ],
)
def test_a_bad_choice_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SetupError) as caught:
        load(tmp_path, text)

    assert caught.value.code == "settings-bad-value"
    assert str(caught.value).startswith(f"{tmp_path / SETTINGS_FILE}, line 1: {told}")


def test_a_home_without_settings_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        load_settings(tmp_path)

    assert caught.value.code == "settings-missing"
    assert caught.value.next_step == f"intentron init --home {tmp_path}"


def test_the_described_settings_load_as_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, describe_settings(IntentronSettings)) == IntentronSettings()


def test_the_home_folder_is_named_by_flag_then_variable_then_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTENTRON_HOME", raising=False)
    assert home_folder() == platformdirs.user_data_path("intentron")

    monkeypatch.setenv("INTENTRON_HOME", str(tmp_path))
    assert home_folder() == tmp_path
    assert home_folder(Path("here")) == Path.cwd() / "here"
