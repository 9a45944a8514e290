"""Each story is told as its transcript says.

`REGENERATE_TRANSCRIPTS=1 make test ARGS=tests/transcripts` writes the transcripts anew; read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from byway.protocol.frames import FRAMES
from tests.transcripts.stories import STORIES, transcript

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", STORIES)
def test_the_story_is_told_as_it_was(name: str) -> None:
    file = HERE / f"{name}.txt"
    if os.environ.get("REGENERATE_TRANSCRIPTS"):
        file.write_text(transcript(name), encoding="utf-8")
    assert file.read_text("utf-8") == transcript(name)


def test_every_transcript_is_a_story() -> None:
    assert {file.stem for file in HERE.glob("*.txt")} == set(STORIES)


def test_every_frame_is_in_a_story() -> None:
    told = "".join(map(transcript, STORIES))
    assert all(f": {kind.__name__}  " in told for kind in FRAMES.values())
