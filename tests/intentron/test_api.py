"""The local API over a real Unix socket: what is asked arrives, what is wrong is refused, and nobody else gets in."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio

from byway.errors import BywayError, LinkError, Refused, SetupError, StatementError, StoreError
from intentron.api.listening import MAX_PATH_BYTES, listening, socket_path
from intentron.api.routes import MAX_REQUEST_BYTES
from intentron.api.server import serve_api

UPGRADE = (
    b"GET /events HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Node:
    """Writes down what it is asked; answers `answer`, or raises it."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = {"name": "C-7K2M"} if answer is None else answer
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        async def operation(*values: Any) -> Any:
            self.asked.append((name, *values))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return operation


@asynccontextmanager
async def api(node: Any, home: Path) -> AsyncIterator[httpx2.AsyncClient]:
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        path = await nursery.start(partial(serve_api, node, home, stop=stop))
        transport = httpx2.AsyncHTTPTransport(uds=str(path))
        async with httpx2.AsyncClient(transport=transport, base_url="http://intentron", timeout=10) as client:
            yield client
        stop.set()


@pytest.mark.parametrize(
    ("method", "path", "body", "asked"),
    [
        ("GET", "/status", None, ("status",)),
        ("GET", "/casts", None, ("casts",)),
        (
            "POST",
            "/casts",
            {"topic": "open:homes", "facets": {"beds": 2}, "offers": 5},
            ("cast", {"topic": "open:homes", "facets": {"beds": 2}, "demand": {}, "offers": 5, "sentence": ""}),
        ),
        (
            "POST",
            "/casts",
            {"topic": "open:homes", "dry_run": True},
            ("dry_run", {"topic": "open:homes", "facets": {}, "demand": {}, "sentence": ""}),
        ),
        ("GET", "/casts/C-7K2M", None, ("cast_details", "C-7K2M")),
        ("GET", "/casts/C-7K2M/offers", None, ("offers", "C-7K2M")),
        ("POST", "/casts/C-7K2M/close", None, ("close", "C-7K2M")),
        ("GET", "/offers", None, ("offers", None)),
        ("GET", "/offers?cast=C-7K2M", None, ("offers", "C-7K2M")),
        ("POST", "/offers/O-AAAA/accept", None, ("accept", "O-AAAA")),
        ("POST", "/offers/O-AAAA/decline", {"reason": "price"}, ("decline", "O-AAAA", "price")),
        ("GET", "/subscriptions", None, ("subscriptions",)),
        (
            "POST",
            "/subscriptions",
            {"pattern": "open:homes:**"},
            ("subscribe", None, "open:homes:**", "", None),
        ),
        (
            "POST",
            "/subscriptions",
            {"pattern": "open:homes:**", "filter": "beds >= 2", "name": "homes"},
            ("subscribe", "homes", "open:homes:**", "beds >= 2", None),
        ),
        ("DELETE", "/subscriptions/open%3Ahomes%3A%2A%2A", None, ("unsubscribe", "open:homes:**")),
        ("GET", "/inbox", None, ("inbox",)),
        (
            "POST",
            "/inbox/C-7K2M/offer",
            {"title": "Two beds", "price": "700000 USD"},
            ("offer", "C-7K2M", {"title": "Two beds", "price": "700000 USD", "description": ""}),
        ),
        ("GET", "/answers", None, ("answers",)),
        ("GET", "/stock", None, ("stock",)),
        ("GET", "/rules", None, ("rules",)),
        ("DELETE", "/rules/eggs%20here", None, ("remove_rule", "eggs here")),
        ("GET", "/events?after=7&wait_s=0.5", None, ("events", 7, 0.5)),
    ],
)
async def test_each_path_asks_one_thing_of_the_node(
    tmp_path: Path, method: str, path: str, body: Any, asked: tuple[Any, ...]
) -> None:
    node = Node()
    async with api(node, tmp_path) as client:
        told = await client.request(method, path, json=body)

    assert told.is_success
    assert told.json() == {"name": "C-7K2M"}
    assert node.asked == [asked]


async def test_a_sheet_arrives_with_the_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    node = Node()
    sheet = {"list": "homes", "map": "homes", "csv": "pid,beds\n1,\udce9\n", "source": "h.csv"}
    async with api(node, tmp_path) as client:
        told = await client.post("/stock", content=json.dumps(sheet))

    assert told.status_code == 200
    assert node.asked == [("import_stock", "homes", "homes", "pid,beds\n1,\udce9\n", None, "h.csv")]


async def test_a_rule_arrives_whole_with_its_defaults(tmp_path: Path) -> None:
    node = Node()
    rule = {"name": "eggs", "stock": "farm", "pattern": "open:food:**", "price": {"amount": "4.50", "currency": "USD"}}
    async with api(node, tmp_path) as client:
        await client.post("/rules", json=rule)

    ((_, kept),) = node.asked
    assert kept["price"] == {"amount": "4.50", "currency": "USD", "per": ""}
    assert kept["offers_per_day"] == 100


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("POST", "/casts", "{", "this is not JSON: "),
        ("POST", "/casts", "[]", "it has to be an object"),
        ("POST", "/casts", "{}", '"topic" is missing'),
        ("POST", "/casts", '{"topic": "open:homes", "facet": {}}', '"facet" means nothing here'),
        ("POST", "/casts", '{"topic": "open:homes", "offers": "5"}', '"offers": it has to be a whole number'),
        ("POST", "/casts", '{"topic": "open:homes", "offers": 0}', '"offers": it has to be at least 1'),
        ("POST", "/casts", "[" * 100_000, "JSON"),
        ("POST", "/offers/O-AAAA/decline", '{"reason": "because"}', "\"reason\": it has to be 'price', "),
        (
            "POST",
            "/subscriptions",
            '{"pattern": "open:a", "name": "a/b"}',
            '"name": it has a character that cannot be in it, such as /',
        ),
        ("POST", "/stock", "{", "JSON"),
        ("POST", "/stock", "[" * 100_000, "JSON"),
        ("POST", "/stock", '{"list": "a", "map": "homes"}', '"csv" is missing'),
        ("POST", "/rules", '{"name": "a", "stock": "b"}', '"pattern" is missing'),
        ("GET", "/events?after=-1", "", '"after": it has to be at least 0'),
        ("GET", f"/events?after={2**63}", "", f'"after": it has to be at most {2**63 - 1}'),
        ("GET", "/events?wait_s=nan", "", '"wait_s": it has to be '),
        (
            "POST",
            "/stock",
            '{"list": "a", "map": "homes", "csv": "\\ud800"}',
            '"csv": it has half of a character, which cannot stand alone',
        ),
        ("POST", "/stock", '{"list": "a", "map": "m", "csv": "", "source": "\\udc80"}', '"source": it has half of a'),
        ("GET", "/events?wait_s=31", "", '"wait_s": it has to be at most 30'),
        ("GET", "/offers?state=open", "", '"state" means nothing here'),
    ],
)
async def test_what_is_not_asked_rightly_is_refused_and_the_node_never_hears_of_it(
    tmp_path: Path, method: str, path: str, body: str, sentence: str
) -> None:
    node = Node()
    async with api(node, tmp_path) as client:
        told = await client.request(method, path, content=body)

    assert told.status_code == 400
    assert told.json()["code"] == "bad-request"
    assert sentence in told.json()["sentence"]
    assert not re.search(r"[Ii]nput|should|valid |parse|dictionary", told.json()["sentence"])
    assert told.json()["next_step"]
    assert node.asked == []


@pytest.mark.parametrize(
    ("error", "status", "next_step"),
    [
        (StatementError("there is no cast C-7K2M", code="name-unknown", next_step="look there"), 404, "look there"),
        (
            StatementError("a facet is wrong", code="bad-facet"),
            400,
            "write values as beds=2.., '..800000 USD', condo; see intentron cast --help",
        ),
        (BywayError("it is accepted", code="settled"), 409, "intentron casts C-7K2M"),
        (BywayError("there is no such rule", code="not-found"), 404, "intentron status"),
        (SetupError("it means other topics", code="name-taken"), 409, "give it another name"),
        (StatementError("the offer has expired", code="expired"), 409, "intentron status"),
        (SetupError("there is no router"), 400, "see docs/reference/local-api.md"),
        (LinkError("nobody could be asked", code="unreachable"), 503, "try it again in a while"),
        (StoreError("the disk failed", next_step="df"), 500, "df"),
        (Refused("a-code-of-the-future", "no"), 400, "see docs/reference/local-api.md"),
    ],
)
async def test_a_refusal_has_a_code_a_sentence_and_the_next_step(
    tmp_path: Path, error: BywayError, status: int, next_step: str
) -> None:
    async with api(Node(error), tmp_path) as client:
        told = await client.get("/casts/C-7K2M")

    assert told.status_code == status
    assert told.json() == {"code": error.code, "sentence": str(error), "next_step": next_step}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/casts", 405)])
async def test_a_path_that_does_not_exist_is_refused_like_everything(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    async with api(Node(), tmp_path) as client:
        told = await client.request(method, path)

    assert told.status_code == status
    assert told.json()["code"] == "not-served"


async def test_a_mistake_of_the_program_shows_no_traceback_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = Node(ZeroDivisionError("secret"))
    async with api(node, tmp_path) as client:
        told = await client.get("/status")
        node.answer = {"casts": {}}
        again = await client.get("/status")

    assert told.status_code == 500
    assert told.json()["code"] == "internal-error"
    assert "secret" not in told.text
    assert again.json() == {"casts": {}}
    assert "api_mistake" in capsys.readouterr().out


async def test_a_body_over_the_limit_is_refused_before_it_is_read_to_its_end(tmp_path: Path) -> None:
    node = Node()
    async with api(node, tmp_path) as client:
        told = await client.post("/stock", content=bytes(MAX_REQUEST_BYTES + 1))

    assert told.status_code == 413
    assert told.json()["code"] == "too-large"
    assert node.asked == []


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x00" * 100,
        b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot a frame at all",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /casts HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        UPGRADE,
        b"POST /casts HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{",
    ],
)
async def test_hostile_bytes_disturb_nobody_else(tmp_path: Path, hostile: bytes) -> None:
    async with api(Node(), tmp_path) as client:
        stream = await trio.open_unix_socket(socket_path(tmp_path))
        async with stream:
            with trio.move_on_after(5), suppress(trio.BrokenResourceError):
                await stream.send_all(hostile)
                await stream.send_eof()
                while await stream.receive_some():
                    pass
        told = await client.get("/status")

    assert told.is_success


async def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with api(Node(), tmp_path):
        mode = socket_path(tmp_path).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600

    assert not socket_path(tmp_path).exists()


async def test_the_socket_of_a_killed_node_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path(tmp_path)))

    async with api(Node(), tmp_path) as client:
        assert (await client.get("/status")).is_success


async def test_a_second_node_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with api(Node(), tmp_path) as client:
        with pytest.raises(StoreError, match="runs already") as caught, listening(tmp_path):
            pass
        assert caught.value.code == "store-locked"
        assert caught.value.next_step == f"intentron status --home {tmp_path}"
        assert (await client.get("/status")).is_success


def test_a_file_in_the_place_of_the_socket_is_left_alone(tmp_path: Path) -> None:
    socket_path(tmp_path).write_text("mine")

    with pytest.raises(SetupError, match="no socket"), listening(tmp_path):
        pass
    assert socket_path(tmp_path).read_text() == "mine"


def test_a_path_that_no_socket_can_have_is_refused_with_a_shorter_one(tmp_path: Path) -> None:
    home = tmp_path / ("h" * MAX_PATH_BYTES)

    with pytest.raises(SetupError, match="107") as caught:
        socket_path(home)
    assert caught.value.next_step == "intentron init --home ~/.intentron"
    home.mkdir()
    with pytest.raises(SetupError) as caught:
        socket_path(home)
    assert caught.value.next_step == f"mv {home} ~/.intentron && intentron run --home ~/.intentron"


async def test_whoever_waits_for_events_does_not_hold_up_the_end(tmp_path: Path) -> None:
    class Waiting(Node):
        async def events(self, after: int, wait_s: float) -> list[Any]:  # noqa: ARG002
            await trio.sleep_forever()
            return []

    broken_off = False
    async with trio.open_nursery() as nursery:
        stop = trio.Event()
        path = await nursery.start(partial(serve_api, Waiting(), tmp_path, stop=stop))

        async def follow() -> None:
            nonlocal broken_off
            transport = httpx2.AsyncHTTPTransport(uds=str(path))
            async with httpx2.AsyncClient(transport=transport, base_url="http://intentron", timeout=10) as client:
                with pytest.raises(httpx2.TransportError):
                    await client.get("/events?wait_s=30")
            broken_off = True

        nursery.start_soon(follow)
        await trio.sleep(0.1)
        with trio.fail_after(5):
            stop.set()
            while os.path.exists(path) or not broken_off:  # noqa: ASYNC110, ASYNC240, PTH110
                await trio.sleep(0.01)
