"""One honest run, made once; each test judges a copy that it may spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.checker.honest_run import run_honestly
from tests.checker.spoiling import Copy, Run


@pytest.fixture(scope="session")
def honest_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("honest")
    return Run(folder, *run_honestly(folder))


@pytest.fixture
def run(honest_run: Run, tmp_path: Path) -> Copy:
    folder = tmp_path / "run"
    shutil.copytree(honest_run.folder, folder)
    return Copy(honest_run._replace(folder=folder))
