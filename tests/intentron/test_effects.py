"""What was handled is known again: by id, for each subscription, until it expires, and from a file after a restart."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from byway.errors import StoreError
from byway.protocol.limits import HOUR_MS
from intentron.effects import Effects, open_effects, scope_of
from intentron.effects import effects as module
from tests.link.parts import NOW, a_statement

SCOPE = scope_of(bytes(32), "homes")


def now_ms() -> int:
    return NOW


async def test_what_was_handled_is_not_handled_again_and_what_was_not_is() -> None:
    effects = Effects(now_ms)
    one, other = a_statement(1), a_statement(2)

    assert await effects.begin(SCOPE, one)
    await effects.finish(SCOPE, one)
    assert not await effects.begin(SCOPE, one)

    assert await effects.begin(SCOPE, other)
    effects.abandon(SCOPE, other)
    assert await effects.begin(SCOPE, other)
    assert await effects.begin(scope_of(bytes(32), "cars"), one)
    assert await effects.begin(scope_of(bytes([1]) * 32, "homes"), one)


@pytest.mark.parametrize("handled", [True, False])
async def test_what_is_handled_at_this_moment_is_waited_for(nursery: trio.Nursery, handled: bool) -> None:
    effects, told = Effects(now_ms), list[bool]()
    one = a_statement(1)
    assert await effects.begin(SCOPE, one)

    async def wait() -> None:
        told.append(await effects.begin(SCOPE, one))

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    assert told == []
    if handled:
        await effects.finish(SCOPE, one)
    else:
        effects.abandon(SCOPE, one)
    await wait_all_tasks_blocked()
    assert told == [not handled]


async def test_a_file_knows_it_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "handled"
    with open_effects(now_ms, file) as effects:
        for number in (1, 2):
            assert await effects.begin(SCOPE, a_statement(number))
        await effects.finish(SCOPE, a_statement(1))
        with pytest.raises(StoreError) as caught, open_effects(now_ms, file):
            pass
        assert caught.value.code == "store-locked"
        assert caught.value.next_step

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with open_effects(now_ms, file) as effects:
        assert not await effects.begin(SCOPE, a_statement(1))
        assert await effects.begin(SCOPE, a_statement(2))


async def test_what_has_expired_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIDY_AT", 4)
    now = NOW
    with open_effects(lambda: now, tmp_path / "handled") as effects:
        for number in range(50):
            statement = a_statement(number)
            now = max(now, statement.created)
            await effects.begin(SCOPE, statement)
            await effects.finish(SCOPE, statement)
        assert len(effects._handled) == 50

        now += 2 * HOUR_MS
        for number in range(50, 120):
            await effects.finish(SCOPE, a_statement(number))
    with open_effects(now_ms, tmp_path / "handled") as effects:
        assert len(effects._handled) < 50
