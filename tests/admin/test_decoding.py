"""What is asked for, as values of an endpoint's types; whatever is wrong is told with its place."""

import asyncio
from dataclasses import dataclass

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.api import ApiError
from proxy.admin.decoding import body_of, check_media, form_of, json_of, media_of, query_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query, a form or a body."""

    user: str = ""
    size: int = 50
    all: bool = False
    ratio: float | None = None


def query(text: str) -> Asked:
    found: Asked = query_of(make_mocked_request("GET", f"/v1/x?{text}"), Asked)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", Asked()),
        ("user=a%20b+c&size=7&all=true&ratio=0.5", Asked(user="a b c", size=7, all=True, ratio=0.5)),
        ("user=", Asked()),
        ("user=%26%3D%C3%BC", Asked(user="&=ü")),
    ],
)
def test_a_query_is_a_value(text: str, value: Asked) -> None:
    assert query(text) == value


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("sise=1", "sise", "did you mean 'size'"),
        ("size=x", "size", "Expected `int`"),
        ("size=1&size=2", "size", "is there twice"),
        ("user=%FF", "the query", "not in UTF-8"),
        ("&".join(f"a{n}=" for n in range(65)), "the query", "more than 64 parts"),
        ("x" * 5000 + "=1", "x" * 100, "unknown parameter"),
    ],
)
def test_what_is_wrong_with_a_query_is_told(text: str, where: str, told: str) -> None:
    with pytest.raises(ApiError) as caught:
        query(text)
    assert (caught.value.status, caught.value.where) == (400, where)
    assert told in caught.value.reason
    assert len(caught.value.reason) < 300


def test_where_nothing_is_taken_nothing_may_be() -> None:
    assert query_of(make_mocked_request("GET", "/x"), None) is None
    with pytest.raises(ApiError, match="none is taken here"):
        query_of(make_mocked_request("GET", "/x?a=1"), None)


def test_a_form_has_a_token_beside_its_fields() -> None:
    assert form_of(b"user=ann&csrf=abc&size=3", Asked) == (Asked(user="ann", size=3), "abc")
    assert form_of(b"csrf=abc", None) == (None, "abc")
    assert form_of(b"", None) == (None, "")


@pytest.mark.parametrize("body", [b"usr=ann", "user=ü".encode(), b"user=1&user=2", b"csrf=a&csrf=b"])
def test_what_is_wrong_with_a_form_is_told(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        form_of(body, Asked)
    assert caught.value.status == 400


def test_a_body_is_a_value() -> None:
    assert json_of(b'{"user": "ann", "size": 3}', Asked) == Asked(user="ann", size=3)
    assert json_of(b"{}", Asked) == Asked()
    assert json_of(b"", None) is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is empty"),
        (b"[1]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"user": }', "line 1, column 10: JSON is malformed: invalid character"),
        (b'{\n "user": "a",\n !}', "line 3, column 2"),
        (b'{"user": "a"', "Input data was truncated"),
        (b'{"user": "\xff"}', "the body is no JSON"),
        (b'{"usr": "a"}', "unknown field 'usr' (did you mean 'user'?)"),
        (b'{"size": "7"}', "Expected `int`, got `str`"),
        (b'{"size": 1.5}', "Expected `int`, got `float`"),
        (b'{"user": {"a": 1}}', "Expected `str`, got `object`"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"user":' * 100_000, "nested too deeply"),
        (b'{"user": "\\ud800"}', "the body is no JSON"),
        (b"NaN", "the body is no JSON"),
    ],
)
def test_what_is_wrong_with_a_body_is_told(body: bytes, told: str) -> None:
    with pytest.raises(ApiError) as caught:
        json_of(body, Asked)
    assert caught.value.status == 400
    assert told in caught.value.reason


def test_where_no_body_is_taken_none_may_be() -> None:
    with pytest.raises(ApiError, match="has no body"):
        json_of(b"{}", None)


@given(st.binary(max_size=60))
def test_any_body_is_a_value_or_told(body: bytes) -> None:
    try:
        value = json_of(body, Asked)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017 -- it may be either
    else:
        assert isinstance(value, Asked)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_any_query_is_a_value_or_told(text: str) -> None:
    request = make_mocked_request("GET", "/x")
    try:
        value = query_of(request.clone(rel_url=f"/x?{text}".partition("#")[0]), Asked)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017 -- it may be either
    else:
        assert isinstance(value, Asked)


def test_the_type_of_a_body_is_said_in_its_head() -> None:
    json = make_mocked_request("POST", "/", headers={"Content-Type": "Application/JSON; charset=utf-8"})
    assert media_of(json) == "application/json"
    check_media(json, "application/json")
    for headers in (
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ):
        with pytest.raises(ApiError) as caught:
            check_media(make_mocked_request("POST", "/", headers=headers), "application/json")
        assert caught.value.status == 415


async def asked(limit_bytes: int, limit_s: float, send: bytes) -> bytes:
    """What a server that reads a body answers to bytes on the wire."""

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await body_of(request, limit_bytes, limit_s)
        except ApiError as error:
            return web.Response(status=error.status, headers=error.headers)
        return web.Response(body=msgspec.json.encode(len(body)))

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    try:
        writer.write(send)
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    finally:
        writer.close()
        await runner.cleanup()


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("send", "status"),
    [
        (HEAD + b"Content-Length: 4\r\n\r\nabcd", b"200"),
        (HEAD + b"Content-Length: 5\r\n\r\n", b"413"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n", b"413"),
        (HEAD + b"Content-Length: 4\r\n\r\nabc", b"408"),
    ],
)
async def test_a_body_is_bounded_in_size_and_time(send: bytes, status: bytes) -> None:
    limit_s = 0.05 if status == b"408" else 30.0
    head = await asked(4, limit_s, send)
    assert head.split()[1] == status
    assert (b"connection: close" in head.lower()) is (status != b"200")
