"""The pages say what the code does: each fact that stands in both is compared here."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from byway.errors import CODES
from byway.protocol import limits
from byway.protocol.bodies import BODIES
from byway.protocol.frames import Frame
from byway.protocol.limits import DAY_MS, MAX_TIME_MS, MINUTE_MS
from byway.protocol.statement import LONGEST_LIFETIME_MS, Kind

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


PROTOCOL = read(DOCS / "reference" / "wire-protocol.md")
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "tests" / "README.md"])
CODE = sorted(
    path
    for folder in ("byway", "authorities", "intentron", "tests", "examples", "benchmarks", "setup")
    for path in (ROOT / folder).rglob("*.py")
)

LIFETIMES_MS = {"30 days": 30 * DAY_MS, "60 days": 60 * DAY_MS, "90 days": 90 * DAY_MS, "1 day": DAY_MS}
LIFETIMES_MS |= {"5 minutes": 5 * MINUTE_MS, "none": MAX_TIME_MS}

# Sentences of the protocol page with the numbers of `byway.protocol.limits` in them.
QUOTED_LIMITS = [
    f"at most {limits.MAX_URN_BYTES} bytes of ASCII",
    f"1 to {limits.MAX_SEGMENTS} segments",
    f"A segment is 1 to {limits.MAX_SEGMENT_BYTES} bytes",
    f"The nesting is at most {limits.MAX_DEPTH} deep",
    f"at most {limits.MAX_VALUES:,} values",
    f"exponent in -{limits.MAX_DECIMAL_EXPONENT}..{limits.MAX_DECIMAL_EXPONENT}",
    f"`expires` <= {limits.MAX_TIME_MS}",
    f"The body is at most {limits.MAX_BODY_BYTES:,} bytes.",
    f"at most {limits.MAX_FACETS}; a name is 1 to {limits.MAX_FACET_NAME} of",
    f"array of 1 to {limits.MAX_REPLY_KEYS} `[suite, key]`",
    f"integer 1 to {limits.MAX_OFFERS:,}: how many offers",
    f"array of at most {limits.MAX_TERMS} terms URNs",
    f"integer 1 to {limits.MAX_MAILBOX_BYTES:,}: how many bytes",
    f"integer 1 to {limits.MAX_TTL_S:,}: seconds",
    f"array of 1 to {limits.MAX_ADDRESSES} texts `host:port`",
    f"array of 1 to {limits.MAX_HOMES} node URNs",
    f"text of at most {limits.MAX_LABEL_BYTES} bytes for people",
    f"text, 1 to {limits.MAX_TEXT_BYTES} bytes",
    f"1 to {limits.MAX_SET_TEXTS} texts of 1 to {limits.MAX_SET_TEXT_BYTES} bytes",
    f"metres, 0 to {limits.MAX_METRES:,}",
    f"days since 1970-01-01, {limits.MIN_DAY} to {limits.MAX_DAY}",
    f"{limits.MIN_INSTANT_MS} to {limits.MAX_INSTANT_MS}",
    f"1 to {limits.MAX_OPERANDS} operands",
    f"any of 1 to {limits.MAX_CHOICES} values",
    f"at most {limits.MAX_EXPRESSIONS} expressions, nested at most {limits.MAX_FILTER_DEPTH} deep",
    f"at most {limits.MAX_FILTER_BYTES:,} bytes in canonical form",
    f"at most {limits.MAX_OPENING_FRAME_BYTES:,} bytes before both hellos are in",
    f"before both hellos are in, then at most {limits.MAX_FRAME_BYTES:,}.",
    f"array of 1 to {limits.MAX_BATCH} `[statement, stamp or nil]`",
    f"at most {limits.HELLO_TIMEOUT_S:.0f} seconds, and at most {limits.MAX_OPENING_BYTES // 1024} kB",
    f"n at least {limits.SUBMIT_CREDIT:,}",
    f"bits: integer 0 to {limits.MAX_STAMP_BITS}",
    f"`value` 1 to {limits.MAX_STAMP_BYTES} bytes",
    f"a nonce of {limits.STAMP_NONCE_BYTES} bytes",
    f"`sub`, of 1 to {limits.MAX_SUB_BYTES} bytes",
    f"not acked within {limits.ACK_TIMEOUT_S:.0f} seconds",
    f"received nothing for {limits.PING_AFTER_S:.0f} seconds",
    f"for another {limits.PONG_WITHIN_S:.0f} seconds",
    ", ".join(f"{size:,}" for size in limits.SIZE_CLASSES[:-1]) + f" or {limits.SIZE_CLASSES[-1]:,} bytes long",
]

# The words of the project, one meaning each; a new one enters with the commit that needs it.
WORDS = """
    statement, intentcast, cast, topic, topic pattern, facet, filter, subscription, journal, cursor, backlog, head,
    receipt, custody, ack, acknowledgement, fate, notice, mailbox, home, edge, addressing authority,
    messaging authority, close, sealed, offer, agreement, decline, record, hello, link, connection, frame, batch,
    credit, epoch, chain, commit, leaf, stamp, scope, size class, demand, code, node, intentron, router, person,
    seller, operator, vault, outbox, inbox, stock, column map, rule, petname, terms, reply key, outer key,
    lasting key, market
"""


def test_every_code_is_on_the_page_and_nothing_else() -> None:
    rows = {row[0].strip("`"): (row[1] == "yes", row[2]) for row in table("## 9. Codes")}

    assert rows == {name: (code.temporary, code.meaning) for name, code in CODES.items()}


def test_every_frame_is_on_the_page_with_its_number_and_its_fields() -> None:
    rows = {(int(row[0]), row[1]): re.findall(r"(?:^|; )(\w+)", row[2]) for row in table("### 8.2 Frames")}

    assert rows == {(frame.number, frame.__name__): fields(frame) for frame in Frame.__subclasses__()}


def test_every_kind_is_on_the_page_with_its_number_and_its_lifetime() -> None:
    rows = {(int(row[0]), row[1]): LIFETIMES_MS[row[3]] for row in table("### 3.1 Kinds")}

    assert rows == {(kind.value, kind.name.lower()): LONGEST_LIFETIME_MS[kind] for kind in Kind}


@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.name.lower())
def test_every_body_has_the_keys_of_its_table(kind: Kind) -> None:
    """`?` marks the keys that may be left out."""
    heading = re.search(rf"^### 4\.\d+ {kind.name.capitalize()}$", PROTOCOL, re.MULTILINE)
    assert heading, f"section 4 does not describe the {kind.name.lower()}"

    keys = {key: "?" in row[0] for row in table(heading.group()) for key in re.findall(r"`(\w+)`", row[0])}

    assert keys == {name: not field.is_required() for name, field in BODIES[kind].model_fields.items()}


@pytest.mark.parametrize("quoted", QUOTED_LIMITS)
def test_every_limit_on_the_page_is_the_limit_in_the_code(quoted: str) -> None:
    assert quoted in PROTOCOL


def test_every_section_that_code_cites_exists() -> None:
    sections = set(re.findall(r"^###? (\d+(?:\.\d+)?)\.? ", PROTOCOL, re.MULTILINE))
    cited = re.compile(r"wire-protocol\s+sections?\s+(\d+(?:\.\d+)?(?:(?:,\s+|\s+and\s+|\s+to\s+)\d+(?:\.\d+)?)*)")

    missing = [
        f"{shown(path)}: {number}"
        for path in CODE
        for numbers in cited.findall(read(path))
        for number in re.findall(r"\d+(?:\.\d+)?", numbers)
        if number not in sections
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    relative = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]

    assert [link for link in relative if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """A path in code style that begins with one of our folders; `*` and `<...>` stand for names."""
    named = re.findall(
        r"`((?:byway|authorities|intentron|tests|examples|benchmarks|setup|docs)/[^`\s]*(?:\.\w+|/))`", prose(page)
    )

    assert [name for name in named if not (set(name) & set("*<") or (ROOT / name).exists())] == []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_make_command_that_a_page_shows_is_a_target(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    shown_commands = re.findall(r"(?:^|`)(?:\$ )?make ([a-z-]+)", read(page), re.MULTILINE)

    assert set(shown_commands) <= targets


def test_every_page_can_be_reached_from_the_index() -> None:
    index = DOCS / "index.md"
    linked = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#\s]+)", read(index))}

    assert [shown(page) for page in DOCS.rglob("*.md") if page != index and page not in linked] == []


def test_every_decision_that_code_or_a_page_cites_exists() -> None:
    decisions = {path.name[:4] for path in (DOCS / "decisions").glob("*.md")}
    cited = {
        f"{shown(path)}: {number}"
        for path in [*CODE, *PAGES]
        for number in re.findall(r"decisions?[/ ](\d{4})\b", read(path))
        if number not in decisions
    }

    assert cited == set()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    reasons = re.findall(
        r"^\| ([a-z0-9-]+) \| [\d.]+ \|", read(DOCS / "decisions" / "0001-dependencies.md"), re.MULTILINE
    )

    assert sorted(reasons) == sorted(re.split(r"[>\[]", dependency)[0] for dependency in project["dependencies"])


def test_every_word_is_in_the_glossary_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", read(DOCS / "glossary.md"), re.MULTILINE)
    defined = [word for row in rows if row != "word" for word in row.split(", ")]

    assert sorted(defined) == sorted(set(defined))
    assert set(re.split(r",\s*", WORDS.strip())) <= set(defined)
    assert {kind.name.lower() for kind in Kind} <= set(defined)


def test_every_folder_of_tests_says_what_it_proves() -> None:
    described = set(re.findall(r"^\| `([a-z]+)/`", read(ROOT / "tests" / "README.md"), re.MULTILINE))
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("_")}

    assert folders <= described


def table(heading: str) -> Iterator[list[str]]:
    """The cells of each row of the first table under `heading`."""
    section = PROTOCOL.split(f"\n{heading}\n", 1)[1]
    rows = re.split(r"\n(?=#)", section)[0].splitlines()
    below = [row for row in rows if row.startswith("|")][2:]
    return ([cell.strip() for cell in row.strip("|").split("|")] for row in below)


def fields(frame: type[Frame]) -> list[str]:
    """The names on the page: `from` is a word of Python, which the class spells `from_`."""
    if not dataclasses.is_dataclass(frame):
        return []
    return [field.name.rstrip("_") for field in dataclasses.fields(frame)]


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
