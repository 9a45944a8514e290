"""The shape of the code: who may import whom, and what a module may be."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parent.parent
PACKAGES = ("byway", "authorities", "intentron")
ALL_CODE = sorted(
    path for folder in (*PACKAGES, "tests", "examples", "benchmarks", "setup") for path in (ROOT / folder).rglob("*.py")
)

LONGEST_MODULE = 500  # lines; 150 is what we write for
# They say where something was put and not what it is.
FORBIDDEN_NAMES = {"base", "common", "core", "handler", "handlers", "helper", "helpers", "impl", "info"}
FORBIDDEN_NAMES |= {"manager", "managers", "misc", "types", "util", "utils"}


def test_every_import_keeps_to_the_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contracts stand in pyproject.toml; `make check` runs the same ones."""
    monkeypatch.chdir(ROOT)

    status = lint_imports(no_cache=True, no_logo=True)

    assert status == EXIT_STATUS_SUCCESS, "the report above names the imports"


def test_every_module_of_the_router_has_its_layer() -> None:
    """A module that stands in no layer could import, and be imported by, anything."""
    layered = {name.strip() for layer in contracts()[0]["layers"] for name in layer.split("|")}
    modules = {
        path.stem for path in (ROOT / "byway").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert {f"byway.{module}" for module in modules if not module.startswith("__")} <= layered


def test_an_example_imports_only_what_the_library_shows() -> None:
    """From inside us it takes the names of `intentron`, which is what a program of somebody else may count on."""
    imports = [
        node
        for path in (ROOT / "examples").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    named = {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    named |= {each.name for node in imports if isinstance(node, ast.Import) for each in node.names}

    assert {name for name in named if name.split(".")[0] in PACKAGES} == {"intentron"}


def test_no_module_is_longer_than_a_sitting() -> None:
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ALL_CODE}

    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        shown(path)
        for path in ALL_CODE
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"), shown(path)))
    ]

    assert silent == []


def test_no_module_is_named_for_a_place_to_put_things() -> None:
    named = [
        shown(path)
        for path in ALL_CODE
        for part in path.relative_to(ROOT).parts
        if part.removesuffix(".py") in FORBIDDEN_NAMES
    ]

    assert named == []


def contracts() -> list[dict[str, list[str]]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, list[str]]] = settings["tool"]["importlinter"]["contracts"]
    return found


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))
