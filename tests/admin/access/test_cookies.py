"""The cookie of a session."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from proxy.admin.access import cookies


def request(*headers: str, secure: bool = False) -> web.Request:
    made = make_mocked_request("GET", "/", headers=CIMultiDict([("Cookie", one) for one in headers]))
    return made.clone(scheme="https") if secure else made


@pytest.mark.parametrize(
    ("headers", "id"),
    [
        ((), ""),
        (("startgate=abc",), "abc"),
        (("a=b; startgate=abc; c=d",), "abc"),
        (("a=b", "startgate=abc"), "abc"),
        (("__Host-startgate=abc",), ""),
        (("Startgate=abc",), ""),
        (("startgate=abc; startgate=tossed",), ""),
        (("startgate=abc", "startgate=abc"), ""),
        (("startgate",), ""),
    ],
)
def test_one_cookie_of_the_name_is_an_id(headers: tuple[str, ...], id: str) -> None:
    assert cookies.session_id(request(*headers)) == id


def test_over_tls_it_has_another_name() -> None:
    both = request("startgate=plain; __Host-startgate=secure", secure=True)
    assert cookies.session_id(both) == "secure"


@pytest.mark.parametrize(("secure", "name"), [(True, "__Host-startgate"), (False, "startgate")])
def test_it_is_for_this_host_and_no_script(secure: bool, name: str) -> None:
    response = web.Response()
    cookies.put(request(secure=secure), response, "abc", 100.5)
    text = response.cookies.output().replace(" ", "").lower()
    assert f"set-cookie:{name}=abc;".lower() in text
    assert {"httponly", "max-age=100", "path=/", "samesite=strict"} <= set(text.split(";"))
    assert ("secure" in text.split(";")) is secure
    assert "domain" not in text


def test_it_is_taken_back() -> None:
    response = web.Response()
    cookies.remove(request(), response)
    assert "max-age=0" in response.cookies.output().lower()
