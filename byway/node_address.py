"""Where a node is, as people write it: `urn:byway:node:<key>@<host>:<port>`, IPv6 in brackets.

Settings, flags and the vault use this one spelling.  The URN says who has to answer, the address only where to knock.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, PlainValidator

from byway.errors import SetupError, StatementError
from byway.protocol.address import parse_address, parse_listen_address
from byway.protocol.body import validator
from byway.protocol.urn import from_base32, parse_urn


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """A node's URN, and one `host:port` where it listens."""

    node: str
    address: str

    def __str__(self) -> str:
        return f"{self.node}@{self.address}"

    @property
    def key(self) -> bytes:
        """The node's first signing key, 32 bytes: what the link is pinned to."""
        return from_base32(self.node.rpartition(":")[2])

    @property
    def host(self) -> str:
        """The host to dial, IPv6 without brackets."""
        return parse_address(self.address).host

    @property
    def port(self) -> int:
        return parse_address(self.address).port


def parse_node_address(text: str) -> NodeAddress:
    """The node address that `text` spells.  Raises `SetupError` (`bad-request`)."""
    node, at, address = text.partition("@")
    if not at:
        raise _bad(f"{text!r} is not a node address, which looks like urn:byway:node:KEY@HOST:PORT")
    try:
        parse_urn(node, "node")
    except StatementError:
        raise _bad(f"{node!r} is not the URN of a node, which looks like urn:byway:node:KEY") from None
    try:
        parse_address(address)
    except StatementError as error:
        raise _bad(str(error)) from None
    return NodeAddress(node, address)


def is_wildcard(address: str) -> bool:
    """Whether `address` (`host:port`) stands for every address of this computer, so that nobody else can dial it."""
    try:
        return ipaddress.ip_address(parse_listen_address(address).host).is_unspecified
    except ValueError:
        return False  # a name


def _bad(sentence: str) -> SetupError:
    next_step = 'copy it from the line "others use" that the node prints when it starts'
    return SetupError(sentence, code="bad-request", next_step=next_step)


def _read_node_address(value: object) -> NodeAddress:
    """What pydantic calls; its errors have to be `ValueError` to be told with the setting's name and line."""
    if isinstance(value, NodeAddress):
        return value
    try:
        return parse_node_address(str(value))
    except SetupError as error:
        raise ValueError(str(error)) from None


def _check_listen_address(text: str) -> str:
    parse_listen_address(text)
    return text


NodeAddressSetting = Annotated[NodeAddress, PlainValidator(_read_node_address), PlainSerializer(str)]
ListenAddressSetting = Annotated[str, AfterValidator(validator(_check_listen_address))]
