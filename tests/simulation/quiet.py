"""What is looked at when nothing is on its way any more: that little is left, and that no secret was overheard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.checker.evidence import Witness
from tests.simulation.world import Line, World


def measure(world: World, witness: Witness) -> None:
    """Note what has to be small again, and the secrets that nobody may have heard of."""
    for machine in world.machines:
        witness.note("measured", what=f"bytes held for subscribers by {machine.name}", value=machine.held, most=0)
        links = len(world.network.open_to(machine.address))
        witness.note("measured", what=f"links open at {machine.name}", value=links, most=0)
        witness.note("canary", secret=bytes(machine.key), what=f"the key of {machine.name}")
    for secret, what in world.market.secrets.items():
        witness.note("canary", secret=secret, what=what)


def overheard(trace: Sequence[Line], logs: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """A file of all that was said on links, each direction for itself, and of what was logged."""
    said: defaultdict[str, bytearray] = defaultdict(bytearray)
    for line in trace:
        match line:
            case (_, str(name), bytes(data)):
                said[name] += data
    path = folder / "overheard"
    path.write_bytes(b"\0".join([*said.values(), repr(logs).encode()]))
    return path
