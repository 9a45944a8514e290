"""What the tests of vaults and of commands begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from intentron.vault import Vault, open_vault
from tests.intentron.town import Shell, Town


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with open_vault(tmp_path) as opened:
        yield opened


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr("intentron.node.quiet_start.SPREAD_S", 0.0)  # these few links may be seen together
    monkeypatch.setattr("byway.link.subscription.FINISH_WITHIN_S", 0.05)  # nothing is lost, and nobody waits
    monkeypatch.setenv("COLUMNS", "80")
    with capture_logs():
        town = Town(tmp_path)
        yield town
        town.leave()


@pytest.fixture
def shell(town: Town, capsys: pytest.CaptureFixture[str]) -> Callable[..., Shell]:
    """Moves somebody in, and hands over the keyboard."""
    return lambda name, *flags: Shell(town.move_in(name, *flags), capsys)


@pytest.fixture
def mary(shell: Callable[..., Shell]) -> Shell:
    return shell("mary")
