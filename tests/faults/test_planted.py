"""One bug in a router and one in the client library, which the checker sees; `make faults-planted` has the rest."""

from __future__ import annotations

from pathlib import Path

import msgpack
import pytest

from byway.protocol.limits import HOUR_MS
from byway.protocol.statement import HEADER, SIGNATURE_BYTES
from byway.protocol.urn import node_urn
from tests.checker.canonical_form import NotCanonicalError, read
from tests.checker.verdict import judge
from tests.crash.broken_client import hand_on_twice
from tests.crash.market import open_market
from tests.crash.parties import make_cast, seeded
from tests.crash.router_process import RouterProcess
from tests.faults.planted import is_caught, red
from tests.faults.planted_router import re_encoded

OF_THE_MACHINE = "I15"  # how long one waits is not the bug's to say, where everything else runs beside it


@pytest.mark.slow
@pytest.mark.parametrize("bug", ["cursor_before_ack"])
async def test_a_bug_in_the_router_turns_the_checker_red(bug: str, tmp_path: Path) -> None:
    broken = await red(bug, tmp_path, seeded(bug))

    assert is_caught(bug, broken)


def test_a_re_encoded_cast_says_the_same_and_is_not_canonical() -> None:
    cast = make_cast(seeded("cast"), node_urn(bytes(32)), lifetime_ms=HOUR_MS).statement
    body = re_encoded(cast.data)[HEADER.size : -SIGNATURE_BYTES]

    assert msgpack.unpackb(body) == msgpack.unpackb(cast.body_bytes)
    assert int.from_bytes(re_encoded(cast.data)[HEADER.size - 4 : HEADER.size], "big") == len(body)
    with pytest.raises(NotCanonicalError, match="an integer has a shorter form"):
        read(body)


@pytest.mark.slow
async def test_a_client_library_that_hands_on_each_cast_twice_turns_the_checker_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_on_twice(monkeypatch)

    async with RouterProcess(tmp_path) as router:
        await router.start()
        async with open_market(router.at, tmp_path / "evidence", seeded("twice")) as market:
            await market.load(20, 10.0)
        await router.stop()

    tallies = judge(tmp_path / "evidence", stores=[router.store])
    broken = {code for code, tally in tallies.items() if tally.findings}
    assert broken - {OF_THE_MACHINE} == {"I6"}
