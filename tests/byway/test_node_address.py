"""Node addresses, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import SetupError
from byway.node_address import NodeAddress, is_wildcard, parse_node_address
from byway.protocol.address import parse_listen_address
from byway.protocol.urn import node_urn, to_base32

KEY = bytes(range(32))
URN = node_urn(KEY)


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("127.0.0.1:7400", "127.0.0.1", 7400),
        ("router.example:443", "router.example", 443),
        ("my_router:1", "my_router", 1),
        ("[::1]:65535", "::1", 65535),
        ("[2001:db8::7]:7400", "2001:db8::7", 7400),
    ],
)
def test_a_node_address_says_who_and_where(address: str, host: str, port: int) -> None:
    parsed = parse_node_address(f"{URN}@{address}")

    assert parsed == NodeAddress(URN, address)
    assert (parsed.key, parsed.host, parsed.port) == (KEY, host, port)
    assert str(parsed) == f"{URN}@{address}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        URN,
        "127.0.0.1:7400",
        f"{URN}@",
        f"{URN}@127.0.0.1",
        f"{URN}@127.0.0.1:",
        f"{URN}@127.0.0.1:0",
        f"{URN}@127.0.0.1:65536",
        f"{URN}@127.0.0.1:07400",
        f"{URN}@[::1%lo]:7400",
        f"{URN}@127.0.0.1:-1",
        f"{URN}@127.0.0.1:٣",
        f"{URN}@:7400",
        f"{URN}@::1:7400",
        f"{URN}@[::1:7400",
        f"{URN}@[router]:7400",
        f"{URN}@a b:7400",
        f"{URN}@a/b:7400",
        f"{URN}@a@b:7400",
        f"{URN}@{'a' * 254}:7400",
        f"{URN} @a:7400",
        f"{URN.upper()}@a:7400",
        f"urn:byway:mailbox:{to_base32(KEY)}@a:7400",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SetupError) as caught:
        parse_node_address(text)

    assert caught.value.code == "bad-request"
    assert caught.value.next_step


@pytest.mark.parametrize("address", ["0.0.0.0:7400", "[::]:7400", "[0::0]:1"])
def test_an_address_that_stands_for_all_is_a_wildcard(address: str) -> None:
    assert is_wildcard(address)


@pytest.mark.parametrize("address", ["127.0.0.1:7400", "[::1]:7400", "router.example:443", "192.0.2.1:0"])
def test_an_address_that_can_be_dialled_is_no_wildcard(address: str) -> None:
    assert not is_wildcard(address)


def test_an_address_to_listen_on_may_leave_the_port_open() -> None:
    assert parse_listen_address("127.0.0.1:0") == ("127.0.0.1", 0)


@given(st.text(max_size=80) | st.text("urnbyway:de@[]0123456789.-", max_size=80).map(f"{URN}@".__add__))
def test_any_text_is_read_back_or_refused(text: str) -> None:
    try:
        parsed = parse_node_address(text)
    except SetupError:
        return

    assert str(parsed) == text
    assert parsed.host
    assert 1 <= parsed.port <= 65535
