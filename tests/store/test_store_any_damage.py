"""Whatever changes in the files of a store: nothing wrong is handed out, and nothing is lost in silence."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from byway.store.sqlite.statements import Statements
from tests.store.damage import left_behind, look

ROUNDS = 200


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_nothing_is_lost_in_silence(killed: bool, tmp_path: Path) -> None:
    random = Random(killed)  # noqa: S311 - it has to be the same each time
    left = left_behind(tmp_path, random, killed=killed)

    looks = [look(left, tmp_path, random) for _ in range(ROUNDS)]

    assert [wrong for each in looks for wrong in each.wrongs] == []
    assert sum(each.lost > 0 for each in looks) > ROUNDS / 20


@pytest.mark.slow
def test_what_is_skipped_without_a_word_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above is worth something: it is red for a store that tells of nothing that it leaves out."""
    random = Random(2)  # noqa: S311 - it has to be the same each time
    left = left_behind(tmp_path, random, killed=False)
    monkeypatch.setattr(Statements, "damaged", property(lambda _: set(), lambda *_: None), raising=False)

    looks = [look(left, tmp_path, random) for _ in range(ROUNDS)]

    assert any("lost in silence" in wrong for each in looks for wrong in each.wrongs)
