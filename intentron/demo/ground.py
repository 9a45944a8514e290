"""What a market stands on: an addressing authority, a messaging authority and a router, each its own process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intentron.demo.processes import Daemon, free_address, run_to_end


@dataclass(frozen=True, slots=True)
class NodeProcess:
    """One node: its process, its URN, where it listens, and the folder with its store."""

    daemon: Daemon
    node: str
    address: str
    data: Path

    def __str__(self) -> str:
        return f"{self.node}@{self.address}"


@dataclass(frozen=True, slots=True)
class Ground:
    """The three nodes, running."""

    addressing: NodeProcess
    messaging: NodeProcess
    router: NodeProcess
    settings: Path

    async def register(self, segments: str, label: str) -> str:
        """Register a topic that the router carries; returns its URN."""
        facts = await run_to_end(
            "authorities", "addressing", "topic", segments,
            "--router", self.router.node,
            "--messaging", self.messaging.node,
            "--label", label,
            "--settings", str(self.settings),
        )  # fmt: skip
        return facts["registered"]


async def start_ground(folder: Path, everybody: list[Daemon]) -> Ground:
    """Make and start the three nodes below `folder`."""
    addressing = await _start(folder, "addressing", ["authorities", "addressing"], [], everybody)
    at = ["--register-at", str(addressing)]
    messaging = await _start(folder, "messaging", ["authorities", "messaging"], at, everybody)
    router = await _start(folder, "router", ["byway"], at, everybody)
    return Ground(addressing, messaging, router, folder / "addressing.toml")


async def _start(
    folder: Path, name: str, program: list[str], options: list[str], everybody: list[Daemon]
) -> NodeProcess:
    settings, data, address = folder / f"{name}.toml", folder / name, free_address()
    await run_to_end(
        *program, "init", str(settings), "--listen", address, "--data", str(data), *options
    )  # fmt: skip
    daemon = Daemon([*program, "run", str(settings)], folder / f"{name}.log", everybody)
    facts = await daemon.start()
    return NodeProcess(daemon, facts["node"], facts["listening"], data)
