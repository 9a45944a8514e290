"""An authority in a process of its own, in the place of a router."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from authorities.settings import AddressingSettings, MessagingSettings
from tests.crash.router_process import RouterProcess


def addressing_process(folder: Path, **settings: Any) -> RouterProcess:
    """One that answers for names."""
    return RouterProcess(folder, module="authorities addressing", model=AddressingSettings, **settings)


def messaging_process(folder: Path, **settings: Any) -> RouterProcess:
    """One that keeps mailboxes."""
    return RouterProcess(folder, module="authorities messaging", model=MessagingSettings, **settings)
