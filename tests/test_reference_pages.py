"""The reference pages name what there is: every command of the three programs, and every path of the local API."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from cyclopts import App

import authorities.cli.app
import byway.cli.app
import intentron.cli.app
from intentron.api.routes import Paths

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
APPS = (byway.cli.app.app, authorities.cli.app.app, intentron.cli.app.app)


def commands(app: App, name: str) -> Iterator[str]:
    inner = [command for command in app if not command.startswith("-")]
    if not inner:
        yield name
    for command in inner:
        yield from commands(app[command], f"{name} {command}")


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name[0])
def test_every_command_is_in_the_page_and_no_other(app: App) -> None:
    program = app.name[0]
    page = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    told = re.findall(rf"^\| `({program}(?: [a-z][a-z-]*)+)", page, flags=re.MULTILINE)

    assert sorted(told) == sorted(commands(app, program))


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name[0])
def test_what_the_readme_says_to_type_can_be_typed(app: App) -> None:
    readme = (REFERENCE.parent.parent / "README.md").read_text(encoding="utf-8")
    shell = "\n".join(re.findall(r"^```\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL))
    typed = [line.strip() for line in re.split(r"\n|&&|&", shell)]
    lines = [shlex.split(line, comments=True)[1:] for line in typed if line.startswith(f"{app.name[0]} ")]

    assert lines
    for words in lines:
        app.parse_args(words, exit_on_error=False, print_error=False)


def test_every_path_is_in_the_page_and_no_other() -> None:
    page = (REFERENCE / "local-api.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([A-Z]+) (/[^`?]*)", page, flags=re.MULTILINE)
    routes = Paths(cast("Any", None)).routes()

    assert sorted(told) == sorted(
        (method, route.path) for route in routes for method in (route.methods or set()) - {"HEAD"}
    )
