"""Whether what is written in a folder reaches a disk at all: in memory nothing is flushed, and all looks fast."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_MOUNTS: Final = Path("/proc/self/mountinfo")
_DEVICE: Final = 2  # the field of a mount that has the numbers of its device, as `major:minor`


def is_in_memory(folder: Path) -> bool:
    """Whether the filesystem of the folder is memory.  Raises `OSError` if there is no such folder."""
    device = folder.stat().st_dev
    numbers = f"{os.major(device)}:{os.minor(device)}"
    for line in _MOUNTS.read_text(encoding="utf-8").splitlines():
        mount, _, filesystem = line.partition(" - ")
        if mount.split()[_DEVICE] == numbers:
            return filesystem.split()[0] in _IN_MEMORY
    return False
