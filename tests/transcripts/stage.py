"""A stage for two ends of a link: they speak in turn, and every word is written down."""

from __future__ import annotations

from typing import Any

from byway.errors import LocalProtocolError, RemoteProtocolError
from byway.protocol.codec import encode
from byway.protocol.connection import Connection, Role
from byway.protocol.frames import Bye, Entry, Frame, Proof, Refusal

LETTERS = {Role.CLIENT: "C", Role.SERVER: "S"}
SHOWN_BYTES = 16  # longer ones are shown by their name or their length


class Stage:
    """Two connections, and what they say to each other as text.

    `C:` and `S:` are frames that were sent and received; `C!` and `S!` are frames that were not sent, because the
    connection at that end refused them; `C>` and `S>` are bytes that were sent past it, as a broken program might.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: dict[bytes, str] = {}
        self._ends = {role: Connection(role) for role in Role}

    def name(self, name: str, data: bytes) -> bytes:
        """Show these bytes by this name from now on."""
        self._names[data] = name
        return data

    def tell(self, text: str) -> None:
        self.lines += ["", text] if self.lines else [text]

    def new_link(self) -> None:
        self._ends = {role: Connection(role) for role in Role}

    def client(self, *frames: Frame) -> None:
        self._say(Role.CLIENT, frames)

    def server(self, *frames: Frame) -> None:
        self._say(Role.SERVER, frames)

    def client_may_not(self, frame: Frame) -> None:
        self._may_not(Role.CLIENT, frame)

    def server_may_not(self, frame: Frame) -> None:
        self._may_not(Role.SERVER, frame)

    def client_breaks(self, what: Frame | bytes) -> None:
        self._break(Role.CLIENT, what)

    def server_breaks(self, what: Frame | bytes) -> None:
        self._break(Role.SERVER, what)

    def _say(self, role: Role, frames: tuple[Frame, ...]) -> None:
        for frame in frames:
            assert self._ends[role.other].receive(self._ends[role].send(frame)) == [frame]
            self.lines.append(f"{LETTERS[role]}: {self._show(frame)}")

    def _may_not(self, role: Role, frame: Frame) -> None:
        try:
            self._ends[role].send(frame)
        except LocalProtocolError as error:
            self.lines.append(f"{LETTERS[role]}! {self._show(frame)}")
            self.lines.append(f"   {error.code}: {error}")
        else:
            raise AssertionError(f"{frame} was sent")

    def _break(self, role: Role, what: Frame | bytes) -> None:
        """The other end gets what it may not get, says why, and the link is over."""
        shown = self._show(what) if isinstance(what, Frame) else what.hex(" ")
        self.lines.append(f"{LETTERS[role]}> {shown}")
        try:
            self._ends[role.other].receive(encode(what) if isinstance(what, Frame) else what)
        except RemoteProtocolError as error:
            self._say(role.other, (Bye(error.code, str(error)),))
        else:
            raise AssertionError(f"{what!r} was taken")

    def _show(self, value: Any) -> str:
        match value:
            case Frame():
                fields = ((name, getattr(value, name)) for name in value.__match_args__)
                shown = "".join(f"  {name.removesuffix('_')}={self._show(field)}" for name, field in fields)
                return type(value).__name__ + shown
            case Entry(sequence=sequence, statement=statement):
                return f"[{sequence}, {self._show(statement)}]"
            case Proof(head, sequence, path):
                return self._show((0, head, sequence, path))
            case Refusal(code, sentence, retry_after):
                return self._show((1, code, sentence, retry_after))
            case bytes():
                return self._show_bytes(value)
            case str():
                return f'"{value}"'
            case tuple() | list():
                return "[" + ", ".join(self._show(part) for part in value) + "]"
        return "nil" if value is None else str(value)

    def _show_bytes(self, data: bytes) -> str:
        if data in self._names:
            return f"<{self._names[data]}, {len(data)} bytes>"
        return f"<{data.hex()}>" if len(data) <= SHOWN_BYTES else f"<{data[:SHOWN_BYTES].hex()}..., {len(data)} bytes>"
