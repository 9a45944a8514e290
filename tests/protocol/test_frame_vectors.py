"""The golden vectors of frames: our decoder says what they say."""

from __future__ import annotations

from typing import Any

import pytest

from byway.errors import RemoteProtocolError
from byway.protocol.codec import Decoder, encode
from byway.protocol.frames import FRAMES, Deliver, Frame
from tests.vectors.frame_forms import array
from tests.vectors.notation import load, to_json

VECTORS = load("frames")


def _decode(data: bytes, *, opening: bool = False) -> list[Frame]:
    decoder = Decoder()
    if not opening:
        decoder.widen()
    return list(decoder.feed(data))


@pytest.mark.parametrize("case", VECTORS["valid"], ids=lambda case: str(case["name"]))
def test_the_bytes_are_the_frame(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bytes"])
    (frame,) = _decode(data)
    assert type(frame).__name__ == case["frame"]
    assert to_json(array(frame)) == case["array"]
    spellings = [other["bytes"] for other in VECTORS["spellings"] if other["same"] == case["name"]]
    assert encode(frame).hex() in [case["bytes"], *spellings]
    assert type(frame) is Deliver or encode(frame) == data


@pytest.mark.parametrize("case", VECTORS["spellings"], ids=lambda case: str(case["name"]))
def test_other_spellings_are_the_same_frame(case: dict[str, Any]) -> None:
    (same,) = [good for good in VECTORS["valid"] if good["name"] == case["same"]]
    assert _decode(bytes.fromhex(case["bytes"])) == _decode(bytes.fromhex(same["bytes"]))


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: f"{case['name']}, {case['opening']}")
def test_what_is_no_frame_is_refused_with_the_code(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        _decode(bytes.fromhex(case["bytes"]), opening=case["opening"])
    assert caught.value.code == case["code"]


def test_there_is_a_vector_for_every_frame() -> None:
    assert {case["frame"] for case in VECTORS["valid"]} == {kind.__name__ for kind in FRAMES.values()}
