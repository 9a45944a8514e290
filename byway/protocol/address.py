"""Where a node listens: `host:port`, IPv6 in brackets (wire-protocol section 4.8)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

from byway.errors import StatementError

MAX_PORT: Final = 65_535
MAX_HOST_BYTES: Final = 253  # the longest name that DNS can hold

_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\Z")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]+\Z")
_PORT: Final = re.compile(r"(?:0|[1-9][0-9]{0,4})\Z")
_SHOWN: Final = 80  # characters, one line of a terminal


class Address(NamedTuple):
    """A name or a number of a host, IPv6 without brackets, and a port."""

    host: str
    port: int


def parse_address(text: str) -> Address:
    """Where somebody can be reached.  Raises `StatementError` (`bad-body`)."""
    address = parse_listen_address(text)
    if not address.port:
        raise _bad(text, "says port 0, and nobody can be reached there")
    return address


def parse_listen_address(text: str) -> Address:
    """Where to listen; port 0 stands for any free port.  Raises `StatementError` (`bad-body`)."""
    host, colon, port = text.rpartition(":")
    if not colon or not _PORT.match(port) or int(port) > MAX_PORT:
        raise _bad(text, "is not an address, which looks like HOST:PORT")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not _is_ipv6(host):
            raise _bad(text, "has brackets around what is not an IPv6 address")
    elif ":" in host:
        raise _bad(text, "needs brackets around an IPv6 address, as in [::1]:7400")
    elif len(host) > MAX_HOST_BYTES or not _HOST.match(host):
        raise _bad(text, "does not name a host")
    return Address(host, int(port))


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return _IPV6.match(text) is not None  # the zone of an interface means something on one machine only


def _bad(text: str, fault: str) -> StatementError:
    return StatementError(f"{text[:_SHOWN]!r} {fault}", code="bad-body")
