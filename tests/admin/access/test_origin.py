"""By which names the port may be called, and from which pages."""

from pathlib import Path

import pytest
import trustme
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.admin.access.origin import Hosts, check_change, check_read, host_name, is_browser, safe_next
from proxy.admin.api import ApiError
from proxy.settings import AdminPort, ListenTls
from tests.admin.visiting import Visit, visiting

PORT = AdminPort(host="192.0.2.7", port=9402, hosts=("admin.example.org",))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        *((name, True) for name in ("localhost", "LocalHost:9402", "127.0.0.1", "[::1]:9402", "10.1.2.3:1")),
        *((name, True) for name in ("admin.example.org", "admin.example.org:443", "ADMIN.example.org.")),
        *((name, False) for name in ("evil.example", "admin.example.org.evil.example", "127.0.0.1.evil.example")),
        *(
            (name, False)
            for name in ("", "a b", "evil@localhost", "localhost/evil", "localhost:99999", "[::1", "local#host")
        ),
    ],
)
def test_it_is_called_by_its_own_names(host: str, known: bool) -> None:
    request = make_mocked_request("GET", "/", headers={"Host": host})
    if known:
        Hosts(PORT).check(request)
        return
    with pytest.raises(ApiError) as caught:
        Hosts(PORT).check(request)
    assert caught.value.status == 421


@pytest.mark.parametrize("headers", [[], [("Host", "localhost"), ("Host", "localhost")]])
def test_one_host_is_named(headers: list[tuple[str, str]]) -> None:
    request = make_mocked_request("GET", "/", headers=CIMultiDict(headers))
    with pytest.raises(ApiError) as caught:
        Hosts(PORT).check(request)
    assert caught.value.status == 400


def test_the_names_of_its_certificate_are_its_own(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("startgate.test", "*.pods.test")
    pair = tmp_path / "pair.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(pair)
    hosts = Hosts(AdminPort(host="::", port=1, tls=ListenTls(certificate=str(pair), key=str(pair))))
    assert hosts.knows("startgate.test")
    assert hosts.knows("one.pods.test")
    assert not hosts.knows("a.b.pods.test")
    assert not hosts.knows("pods.test")
    pair.unlink()
    assert not hosts.knows("startgate.test")
    assert hosts.knows("localhost")


@given(st.text(max_size=40))
def test_any_host_is_a_name_or_none(text: str) -> None:
    name = host_name(text)
    assert name is None or name == name.lower()


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://localhost:9402"}, True),
        ({"Origin": "http://LOCALHOST:9402", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://localhost:9402"}, False),
        ({"Origin": "http://localhost:9403"}, False),
        ({"Origin": "http://localhost"}, False),
        ({"Origin": "http://evil.example:9402"}, False),
        ({"Origin": "http://localhost:x"}, False),
        ({"Origin": "http://localhost:9402", "Sec-Fetch-Site": "cross-site"}, False),
    ],
)
def test_a_change_is_asked_for_by_a_page_of_ours(headers: dict[str, str], allowed: bool) -> None:
    request = make_mocked_request("POST", "/v1/x", headers={"Host": "localhost:9402", **headers})
    if allowed:
        check_change(request)
        return
    with pytest.raises(ApiError) as caught:
        check_change(request)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("headers", "page", "api"),
    [
        ({}, True, True),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, True, True),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, True, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, True, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, False, False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, False, False),
    ],
)
def test_other_sites_may_link_to_pages_and_no_more(headers: dict[str, str], page: bool, api: bool) -> None:
    request = make_mocked_request("GET", "/v1/journal/export", headers=headers)
    for is_page, allowed in ((True, page), (False, api)):
        if allowed:
            check_read(request, page=is_page)
            continue
        with pytest.raises(ApiError) as caught:
            check_read(request, page=is_page)
        assert caught.value.status == 403


@pytest.mark.parametrize(
    "text",
    [
        *("", "starts", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "/a\r\nb: c"),
        *(
            "javascript:alert(1)",
            "/ evil",
            "/\x00",
            "/ü",
            "\\\\evil",
            "/sign-in",
            "/sign-in?next=/",
            "/sign-out",
            "/a\\b",
        ),
    ],
)
def test_nobody_is_led_elsewhere(text: str) -> None:
    assert safe_next(text) == "/"


@pytest.mark.parametrize("text", ["/", "/starts", "/starts?user=a%2Fb&x=//y", "/plan/a", "/starts/%2F%2Fevil"])
def test_after_signing_in_one_is_where_one_was(text: str) -> None:
    assert safe_next(text) == text


@given(st.text(max_size=30))
def test_wherever_it_leads_is_here(text: str) -> None:
    target = safe_next(text)
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\"))
    assert target.isascii()
    assert target.isprintable()


def test_a_browser_says_that_it_is_one() -> None:
    assert is_browser(make_mocked_request("GET", "/", headers={"Sec-Fetch-Mode": "cors"}))
    assert is_browser(make_mocked_request("GET", "/", headers={"Accept": "text/html,*/*"}))
    assert not is_browser(make_mocked_request("GET", "/", headers={"Accept": "*/*"}))


async def test_all_but_probes_ask_for_the_name(tmp_path: Path) -> None:
    async with visiting(tmp_path, hosts=("named.example",)) as visit:
        statuses = await _statuses(visit, "evil.example")
        assert statuses == {"/v1/session": 421, "/starts": 421, "/sign-in": 421, "/health/live": 200, "/metrics": 200}
        assert (await visit.ask("GET", "/v1/session", Host="named.example")).status == 200
        assert (await visit.ask("GET", "/v1/session", local=True, Host="evil.example")).status == 200


async def _statuses(visit: Visit, host: str) -> dict[str, int]:
    paths = ("/v1/session", "/starts", "/sign-in", "/health/live", "/metrics")
    return {path: (await visit.ask("GET", path, Host=host)).status for path in paths}


@pytest.mark.parametrize("path", ["/metrics", "/health/ready", "/health/live"])
async def test_a_page_of_somebody_elses_reads_no_metrics(path: str, tmp_path: Path) -> None:
    """Probes and scrapers may call us by any name; browsers, which tell their user's languages, may not."""
    async with visiting(tmp_path) as visit:
        assert (await visit.ask("GET", path, Host="evil.example", Accept_Language="de")).status == 421
        assert (await visit.ask("GET", path, Host="evil.example", Sec_Fetch_Mode="cors")).status == 421
        assert (await visit.ask("GET", path, Host="evil.example")).status in (200, 503)
        assert (await visit.ask("GET", path, Accept_Language="de")).status in (200, 503)
