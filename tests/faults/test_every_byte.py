"""What the case that cuts links at every byte does not leave out, and what it does not let pass."""

from __future__ import annotations

from typing import Any

import pytest

from byway.node_address import NodeAddress
from byway.protocol.connection import TABLE, Role
from byway.protocol.frames import Bye, Frame, Pong, Stamps
from byway.protocol.urn import node_urn
from tests.crash.parties import seeded
from tests.faults.cut_frames import Kept, Names, Scenes
from tests.faults.cut_trials import trials
from tests.faults.every_byte import is_kept

AT = NodeAddress(node_urn(bytes(32)), "127.0.0.1:1")
NOBODY: Any = None
CHECK = bytes(4)


@pytest.mark.parametrize(("role", "way", "left_out"), [(Role.CLIENT, "says", Pong), (Role.SERVER, "hears", Stamps)])
def test_every_frame_is_cut_but_one_each_way(role: Role, way: str, left_out: type[Frame]) -> None:
    scenes = Scenes(AT.node, NOBODY, NOBODY, seeded("scenes"))
    may_be_said = frozenset[type[Frame]]([Bye]).union(
        *(turn.frames for (speaker, _), turn in TABLE.items() if speaker is role)
    )

    cut = {trial.kind for trial in trials(scenes, Names(AT.node, NOBODY, NOBODY), AT, AT) if trial.way == way}

    assert cut == may_be_said - {left_out}


@pytest.mark.parametrize(
    ("row", "kept", "right"),
    [
        (None, None, True),
        (("open:a", 3, CHECK), None, False),
        (None, Kept("open:a"), False),
        (("open:a", 3, CHECK), Kept("open:a", most=3), True),
        (("open:a", 4, CHECK), Kept("open:a", most=3), False),
        (("open:a", 2, CHECK), Kept("open:a", least=3), False),
        (("open:b", 3, CHECK), Kept("open:a"), False),
        (("open:a", 3, bytes(8) + CHECK), Kept("open:a"), False),
    ],
)
def test_a_subscription_is_kept_as_it_was_asked_for(row: Any, kept: Kept | None, right: bool) -> None:
    assert is_kept(kept, row) is right
