"""Where a node listens: `host:port`, IPv6 in brackets (wire-protocol section 4.8)."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import Final, NamedTuple

from byway.errors import StatementError

MAX_PORT: Final = 65_535
MAX_HOST_BYTES: Final = 253  # the longest name that DNS can hold
IPV4: Final = 4
IPV4_PREFIX_BITS: Final = 24
IPV6_PREFIX_BITS: Final = 56

_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\Z")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]+\Z")
_PORT: Final = re.compile(r"(?:0|[1-9][0-9]{0,4})\Z")
_REMEMBERED: Final = 4096  # hosts that come back
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
        if len(host) > MAX_HOST_BYTES or not _is_ipv6(host):
            raise _bad(text, "has brackets around what is not an IPv6 address")
    elif ":" in host:
        raise _bad(text, "needs brackets around an IPv6 address, as in [::1]:7400")
    elif len(host) > MAX_HOST_BYTES or not _HOST.match(host):
        raise _bad(text, "does not name a host")
    return Address(host, int(port))


@functools.lru_cache(maxsize=_REMEMBERED)
def address_prefix(host: str) -> str:
    """What one customer of a network usually has: the /24 of an IPv4 address, the /56 of an IPv6 one.

    Raises `ValueError` for what is not the number of a host.
    """
    number = ipaddress.ip_address(host.partition("%")[0])
    mapped = number.ipv4_mapped if isinstance(number, ipaddress.IPv6Address) else None
    number = mapped or number
    bits = IPV4_PREFIX_BITS if number.version == IPV4 else IPV6_PREFIX_BITS
    return str(ipaddress.ip_network((number, bits), strict=False))


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return _IPV6.match(text) is not None  # the zone of an interface means something on one machine only


def _bad(text: str, fault: str) -> StatementError:
    return StatementError(f"{text[:_SHOWN]!r} {fault}", code="bad-body")
