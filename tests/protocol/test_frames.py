"""Frames are what the page's table says, and nothing else is a frame."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from byway.errors import RemoteProtocolError
from byway.protocol.connection import TABLE, Role
from byway.protocol.fields import SHAPES, from_wire, to_wire
from byway.protocol.frames import FRAMES, Ack, Bye, Deliver, Entry, Frame, Ping, Pong, Resolve, Submit
from tests.strategies.frames import FRAMES as STRATEGIES
from tests.strategies.frames import frames, packable
from tests.vectors.frame_forms import WRONG

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "wire-protocol.md"


def _rows() -> list[tuple[int, str, list[str], str]]:
    """Number, name, names of the fields and senders, as the page's table has them."""
    table = PAGE.read_text().split("### 8.2 Frames")[1].split("### 8.3")[0]
    return [
        (int(number), name, [re.split(r"[: ]", field.strip())[0] for field in fields.split(";")], sender)
        for number, name, fields, sender in re.findall(r"^\| (\d+) \| (\w+) \| (.+) \| (\w+) \|$", table, re.MULTILINE)
    ]


def as_tuples(value: Any) -> Any:
    """What the decoder makes of the arrays of a frame."""
    if isinstance(value, Entry):
        return (value.sequence, value.statement)
    if isinstance(value, list | tuple):
        return tuple(as_tuples(part) for part in value)
    if isinstance(value, dict):
        return {key: as_tuples(part) for key, part in value.items()}
    return value


def test_the_classes_are_the_page_s_table() -> None:
    shown = [(number, name, fields) for number, name, fields, _ in _rows()]
    ours = [
        (number, kind.__name__, [name.removesuffix("_") for name in kind.__match_args__])
        for number, kind in FRAMES.items()
    ]
    assert shown == ours


def test_each_end_may_send_what_the_page_says() -> None:
    for _, name, _, sender in _rows():
        may = {role.value for (role, _), turn in TABLE.items() if name in {kind.__name__ for kind in turn.frames}}
        assert may == ({"client", "server"} if sender == "both" and name != "Bye" else {sender} - {"both"})


def test_every_field_has_a_shape() -> None:
    assert list(SHAPES) == list(FRAMES.values()) == list(STRATEGIES)
    assert all(len(kind.__match_args__) == len(shapes) for kind, shapes in SHAPES.items())


@given(frames)
def test_a_frame_is_read_from_its_own_array(frame: Frame) -> None:
    assert from_wire(as_tuples(to_wire(frame))) == frame


@given(frames)
def test_later_fields_are_ignored(frame: Frame) -> None:
    assert from_wire((*as_tuples(to_wire(frame)), "new", 1, ("things", None))) == frame


@given(frames)
def test_a_field_that_is_missing_is_no_frame(frame: Frame) -> None:
    with pytest.raises(RemoteProtocolError, match="fields and needs"):
        from_wire(as_tuples(to_wire(frame))[:-1])


@given(packable.map(as_tuples))
def test_any_value_is_a_frame_or_refused(value: Any) -> None:
    try:
        from_wire(value)
    except RemoteProtocolError as error:
        assert error.code == "bad-frame"  # noqa: PT017 - it may be a frame as well


@given(frames, packable.map(as_tuples))
def test_any_value_in_the_place_of_a_field_is_taken_or_refused(frame: Frame, value: Any) -> None:
    whole = as_tuples(to_wire(frame))
    for place in range(1, len(whole)):
        try:
            from_wire((*whole[:place], value, *whole[place + 1 :]))
        except RemoteProtocolError as error:
            assert error.code == "bad-frame"  # noqa: PT017 - it may be a frame as well


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG.keys())
def test_what_is_out_of_bounds_is_refused(value: tuple[Any, ...]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        from_wire(value)
    assert caught.value.code == "bad-frame"


def test_the_refusal_names_the_field() -> None:
    with pytest.raises(RemoteProtocolError, match="Resolve, urn: not text"):
        from_wire((13, 1, b"urn"))


def test_frames_of_different_kinds_are_never_equal() -> None:
    ping: Frame = Ping(b"token")
    assert ping != Pong(b"token")


def test_credit_counts_the_bytes_of_statements_and_none_as_shorter_than_one_can_be() -> None:
    assert Submit(1, ((bytes(500), None), (b"", None), (b"three", None))).size == 500 + 121 + 121
    assert Deliver("s", 1, 0, 2, (Entry(1, b"four"), Entry(2, b"three"))).size == 9


def test_a_statement_for_many_is_packed_once() -> None:
    entry = Entry(1, b"statement")
    assert entry.packed is entry.packed


def test_frames_can_be_left_at_their_defaults() -> None:
    assert Ack("s", 1, 0, 5) == Ack("s", 1, 0, 5, (), ())
    assert Bye("busy", "later").retry_after is None
    assert Resolve(1, "urn").number == 13
    assert Role.CLIENT.other is Role.SERVER
