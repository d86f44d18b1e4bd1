"""`/v1/starts`: the list, one start, and events as browsers read them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse

from proxy.admin.api import Role, Viewer
from proxy.admin.endpoints import starts as starts_module
from proxy.admin.endpoints.starts import endpoints, text_of
from proxy.admin.shown.starts import StartDetail, Starts
from proxy.admin.views import feed as feed_module
from proxy.admin.views.feed import HEARTBEAT, WAITING, Event, FeedView
from proxy.admin.views.index import Index
from proxy.admin.views.reader import Reader
from proxy.admin.views.start import StartView
from proxy.admin.views.starts import StartsView
from tests.admin.endpoints.calling import Client, calling
from tests.admin.views.reading import ANNA, READ, append, denied, held, read_all, who
from tests.journal.making import encode, write

FIRST = "starts-000001.jsonl"
PATIENCE_S = 30.0


class Served:
    """A journal, and a client of its endpoints."""

    def __init__(self, folder: Path, client: Client, reader: Reader, index: Index, feed: FeedView) -> None:
        self.folder = folder
        self.feed = feed
        self.client = client
        self.index = index
        self._reader = reader

    def come(self, *records: Mapping[str, Any]) -> None:
        """Something is written, and read."""
        append(self.folder / FIRST, *records)
        read_all(self._reader, self.index)

    async def json(self, path: str, status: int = 200) -> bytes:
        """The answer of one call."""
        async with self.client.get(path) as response:
            assert response.status == status, await response.text()
            return await response.read()


async def always(_viewer: Viewer) -> bool:
    """They may see what they see."""
    return True


@asynccontextmanager
async def served(folder: Path, viewer: Viewer = READ, viewers: int = 10) -> AsyncIterator[Served]:
    """A journal of two starts, anna's and ben's."""
    write(folder, [encode(denied(name, user=name, caller=who(name), job={"id": "j&<"})) for name in ("anna", "ben")])
    reader, index = held(folder)
    feed = FeedView(index, reader, viewers=viewers)
    table = endpoints(StartsView(index, reader), StartView(index, folder), feed, always)
    async with calling(table, viewer) as client:
        yield Served(folder, client, reader, index, feed)
        feed.close()


async def line(response: ClientResponse) -> bytes:
    """The next line of a stream."""
    return await asyncio.wait_for(response.content.readline(), PATIENCE_S)


async def event(response: ClientResponse) -> dict[str, str]:
    """The next event of a stream; comments are passed over."""
    found: dict[str, str] = {}
    while (text := (await line(response)).decode()) != "\n" or not found:
        assert text, "it has ended"
        name, _, value = text.rstrip("\n").partition(": ")
        if name:
            found[name] = value
        elif text == "\n":
            found.clear()
    return found


async def test_the_list_and_one_of_it(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        found = msgspec.json.decode(await one.json("/v1/starts?size=1"), type=Starts)
        assert ([row.receipt for row in found.starts], found.matching) == (["ben"], 2)
        more = msgspec.json.decode(await one.json(f"/v1/starts?size=1&after={found.cursor}"), type=Starts)
        assert [row.receipt for row in more.starts] == ["anna"]
        detail = msgspec.json.decode(await one.json("/v1/starts/anna"), type=StartDetail)
        assert detail.row == more.starts[0]
        await one.json("/v1/starts/none", 404)
        await one.json("/v1/starts?verdict=x", 400)


async def test_others_starts_are_not_there(tmp_path: Path) -> None:
    async with served(tmp_path, ANNA) as one:
        assert msgspec.json.decode(await one.json("/v1/starts"), type=Starts).matching == 1
        await one.json("/v1/starts/ben", 404)


async def test_events_come_as_starts_do(tmp_path: Path) -> None:
    async with served(tmp_path) as one, one.client.get("/v1/starts/feed") as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        assert await line(response) == b"retry: 2000\n"
        assert await line(response) == b"\n"
        await _listens(one)
        one.come(denied("new", job={"id": "a\nb"}))
        found = await event(response)
        assert (found["event"], found["id"]) == ("start", one.index.moment)
        assert msgspec.json.decode(found["data"])["job"] == "a\nb"


async def _listens(one: Served) -> None:
    """Until the feed is there: what comes before is told only to who says since when."""
    async with asyncio.timeout(PATIENCE_S):
        while not one.index.listeners:  # noqa: ASYNC110 -- of a server
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("by_header", [True, False])
async def test_who_comes_back_says_where_they_were(tmp_path: Path, *, by_header: bool) -> None:
    async with served(tmp_path) as one:
        moment = one.index.moment
        one.come(denied("missed"))
        headers = {"Last-Event-ID": moment} if by_header else {}
        last = "x" if by_header else moment
        async with one.client.get(f"/v1/starts/feed?last={last}", headers=headers) as response:
            await line(response)
            await line(response)
            assert msgspec.json.decode((await event(response))["data"])["receipt"] == "missed"


async def test_who_was_away_for_too_long_begins_anew(tmp_path: Path) -> None:
    async with served(tmp_path) as one, one.client.get("/v1/starts/feed?last=x-1") as response:
        text = await response.text()
    assert "event: reset\n" in text
    assert text.endswith("data: {}\n\n")


async def test_a_feed_is_left_when_its_viewer_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "HEARTBEAT_S", 0.01)
    async with served(tmp_path, viewers=1) as one:
        async with one.client.get("/v1/starts/feed") as response:
            await _listens(one)
            await one.json("/v1/starts/feed", 503)
            response.close()
        async with asyncio.timeout(PATIENCE_S):
            while one.index.listeners:  # noqa: ASYNC110 -- of a server
                await asyncio.sleep(0.005)


async def test_who_turns_over_pages_finds_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "HEARTBEAT_S", 3600.0)
    async with served(tmp_path, viewers=1) as one:
        async with one.client.get("/v1/starts/feed") as response:
            await _listens(one)
            response.close()
        status = 503
        # That it was closed has to come to the server.
        async with asyncio.timeout(PATIENCE_S):
            while status == 503:
                async with one.client.get("/v1/starts/feed") as response:
                    status = response.status
                    response.close()
        assert status == 200


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (HEARTBEAT, b": heartbeat\n\n"),
        (Event("start", "a-1", b'{"a":1}'), b'event: start\nid: a-1\ndata: {"a":1}\n\n'),
    ],
)
def test_events_as_text(sent: Event, text: bytes) -> None:
    assert text_of(sent) == text


def test_the_feed_is_no_receipt() -> None:
    """It is matched first, since it stands first."""
    none: Callable[..., Any] = lambda *_: None  # noqa: E731 -- nothing is called
    paths = [one.path for one in endpoints(none, none, none, none)]  # type: ignore[arg-type]
    assert paths.index("/v1/starts/feed") < paths.index("/v1/starts/{receipt}")
    assert {one.role for one in endpoints(none, none, none, none)} == {Role.OWN}  # type: ignore[arg-type]


async def test_who_reads_slowly_is_let_go_and_nobody_waits_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A viewer whose connection takes nothing: what is held for them stays within its bound, others hear at once, and
    they begin anew where they come back."""
    monkeypatch.setattr(starts_module, "TAKE_S", 0.3)
    async with served(tmp_path) as here:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        url = here.client.make_url("/v1/starts/feed")
        await loop.sock_connect(slow, (url.host, url.port))
        await loop.sock_sendall(slow, b"GET /v1/starts/feed HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        first = await asyncio.wait_for(loop.sock_recv(slow, 512), PATIENCE_S)
        assert first.startswith(b"HTTP/1.1 200")
        [feed] = here.feed._open
        async with here.client.get("/v1/starts/feed") as quick:
            number = 0
            async with asyncio.timeout(PATIENCE_S):
                while feed in here.feed._open:
                    number += 1
                    name = f"{number}-{'x' * 800}"
                    here.come(denied(f"r{number}", user=name, caller=who(name), job={"id": name}))
                    while f'"receipt":"r{number}"'.encode() not in await quick.content.readuntil(b"\n\n"):
                        pass
                    assert len(feed._waiting) <= WAITING
            assert number > 10, "what its buffers hold was taken"
        slow.close()
