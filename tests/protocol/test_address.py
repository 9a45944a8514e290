"""Addresses: each spelling is one, or is refused; a record, a setting and a flag agree on which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol.address import Address, parse_address, parse_listen_address


def test_port_0_is_for_listening_only() -> None:
    assert parse_listen_address("[::]:0") == Address("::", 0)
    with pytest.raises(StatementError, match="nobody can be reached there"):
        parse_address("[::]:0")


@given(st.text(max_size=80) | st.text("ab_.-:[]%0123456789", max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        host, port = parse_listen_address(text)
    except StatementError:
        return
    assert text == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
