"""Who is let in, as what, and for how long."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from proxy.admin.access import door as doors
from proxy.admin.access import proof
from proxy.admin.access.acts import Acts
from proxy.admin.access.door import Door
from proxy.admin.access.proof import Proof
from proxy.admin.access.tokens import Tokens
from proxy.admin.api import ANONYMOUS, ApiError, Role, Viewer
from proxy.control.acts import SIGN_IN, SIGN_OUT
from proxy.settings import AdminLimits, ListenTls
from tests.admin.access.test_acts import Book
from tests.admin.access.test_sessions import Clock
from tests.admin.visiting import TOKENS, Visit, tokens, visiting


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(tmp_path) as running:
        yield running


async def who(visit: Visit, **shown: Any) -> tuple[int, str, str]:
    """Status, name and role."""
    answer = await visit.ask("GET", "/v1/session", **shown)
    content = answer.content
    return answer.status, content.get("name", ""), content.get("role", "")


@pytest.mark.parametrize(("user", "role"), [("owner", "own"), ("reader", "read"), ("writer", "write")])
async def test_users_of_the_cluster_have_the_role_of_their_privileges(visit: Visit, user: str, role: str) -> None:
    assert await who(visit, user=user) == (200, user, role)
    cookie, _ = await visit.session(user)
    assert await who(visit, cookie=cookie) == (200, user, role)
    key = visit.cluster.add_api_key("k", owner=user)
    assert await who(visit, authorization=f"ApiKey {key}") == (200, user, role)


@pytest.mark.parametrize(("name", "role"), [("scraper", "read"), ("operator", "write")])
async def test_tokens_have_theirs(visit: Visit, name: str, role: str) -> None:
    assert await who(visit, authorization=f"Bearer {TOKENS[name]}") == (200, name, role)
    answer = await visit.ask("POST", "/v1/session", body={"token": TOKENS[name]})
    assert (answer.content["name"], answer.content["realm"]) == (name, "startgate:token")


async def test_the_operator_on_the_machine_may_everything(visit: Visit) -> None:
    answer = await visit.ask("GET", "/v1/session", local=True)
    assert (answer.content["realm"], answer.content["role"]) == ("startgate:socket", "write")
    assert visit.socket.stat().st_mode & 0o777 == 0o600


async def test_whoever_shows_nothing_is_nobody(visit: Visit) -> None:
    assert await who(visit) == (200, "", "anybody")
    assert await who(visit, cookie="startgate=made-up") == (200, "", "anybody")


@pytest.mark.parametrize("shown", ["Bearer made-up", "Basic d3JpdGVyOnh4", "Negotiate abc", "Bearer " + "r" * 39])
async def test_whoever_shows_something_wrong_is_told(visit: Visit, shown: str) -> None:
    answer = await visit.ask("GET", "/v1/session", authorization=shown)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


async def test_a_browser_is_not_led_to_keep_a_password(visit: Visit) -> None:
    """It would show it with what any page asks for, from then on."""
    answer = await visit.ask("GET", "/v1/starts", Sec_Fetch_Mode="navigate")
    assert (answer.status, "WWW-Authenticate" in answer.headers) == (401, False)


async def test_guesses_are_few(visit: Visit) -> None:
    statuses = [(await visit.ask("GET", "/v1/starts", authorization="Bearer x")).status for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    answer = await visit.ask("POST", "/v1/session", body={"username": "writer", "password": "writerwriter"})
    assert answer.status == 429, "who guesses gets no answer, be it right"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert (await visit.ask("GET", "/v1/session", local=True)).status == 200


async def test_a_right_token_comes_in_however_many_guesses_its_address_has_made(visit: Visit) -> None:
    for _ in range(12):
        await visit.ask("GET", "/v1/starts", authorization="Bearer x")
    assert await who(visit, authorization=f"Bearer {TOKENS['scraper']}") == (200, "scraper", "read")
    assert (await visit.ask("POST", "/v1/session", body={"token": TOKENS["operator"]})).status == 200


async def test_a_thousand_guesses_are_ten_questions_and_a_line(tmp_path: Path) -> None:
    """At once, under a thousand names: the cluster is asked for as many as an address may fail, the journal gets one
    record, others come in meanwhile, and a session that was begun goes on."""
    # However long they take on a busy machine.
    async with visiting(tmp_path, limits=AdminLimits(sign_in_window_s=3600.0)) as visit:
        await _a_thousand_guesses(visit)


async def _a_thousand_guesses(visit: Visit) -> None:
    cookie, _ = await visit.session("reader")
    before = len(visit.gate.records)
    asked = len(visit.cluster.calls)

    async def guess(number: int) -> int:
        body = {"username": f"user{number}", "password": "x" * 1000}
        return (await visit.ask("POST", "/v1/session", body=body)).status

    # As many at a time as there may be connections, and some of a viewer's beside.
    places = asyncio.Semaphore(50)

    async def placed(number: int) -> int:
        async with places:
            return await guess(number)

    statuses = await asyncio.gather(*(placed(number) for number in range(1000)))
    assert sorted(set(statuses)) == [401, 429]
    assert statuses.count(401) == 10
    assert sum(one.header("authorization") != visit.cluster.superuser for one in visit.cluster.calls[asked:]) <= 10
    assert await who(visit, authorization=f"Bearer {TOKENS['scraper']}") == (200, "scraper", "read")
    assert (await visit.ask("GET", "/v1/starts", cookie=cookie)).status == 200
    async with asyncio.timeout(30):
        while len(visit.gate.records) < before + 2:  # noqa: ASYNC110 -- it is recorded in the background
            await asyncio.sleep(0.01)
    told = [(one["event"]["outcome"], one["startgate"]["admin"].get("by", "")) for one in visit.gate.records[before:]]
    # The others are counted, and told in a minute; which a busy machine may take.
    assert set(told) == {("failure", ""), ("success", "scraper")}
    assert len(told) <= 3


async def test_one_user_does_not_fill_the_journal_by_signing_in(tmp_path: Path) -> None:
    async with visiting(tmp_path, limits=AdminLimits(acts_per_minute=3)) as visit:
        body = {"username": "owner", "password": "ownerowner"}
        statuses = [(await visit.ask("POST", "/v1/session", body=body)).status for _ in range(5)]
        assert statuses == [200] * 3 + [429] * 2
        assert len(visit.gate.records) == 3
        await visit.session("reader")


async def test_a_name_whose_guesses_are_too_many_is_on_record(tmp_path: Path) -> None:
    async with visiting(tmp_path, limits=AdminLimits(sign_in_failures_per_user=2)) as visit:
        for name in ("writer", "writer", "Writer "):
            await visit.ask("POST", "/v1/session", body={"username": name, "password": "x"})
        async with asyncio.timeout(30):
            while len(visit.gate.records) < 2:  # noqa: ASYNC110 -- it is recorded in the background
                await asyncio.sleep(0.01)
        asked = [one["startgate"]["admin"].get("asked_user", "") for one in visit.gate.records]
        assert asked == ["", "Writer "], "a slip of somebody's is not told, whose account is guessed at is"


async def test_who_shows_credentials_with_each_call_is_on_record_once(visit: Visit) -> None:
    for _ in range(3):
        assert (await who(visit, user="reader"))[0] == 200
        assert (await who(visit, authorization=f"Bearer {TOKENS['operator']}"))[0] == 200
    async with asyncio.timeout(30):
        while len(visit.gate.records) < 2:  # noqa: ASYNC110 -- it is recorded in the background
            await asyncio.sleep(0.01)
    assert sorted(visit.gate.acts) == [(SIGN_IN, "operator", "success"), (SIGN_IN, "reader", "success")]


async def test_a_session_needs_its_token_for_changes(visit: Visit) -> None:
    cookie, csrf = await visit.session("writer")
    for shown, status in ((csrf, 200), ("", 403), (csrf[:-1], 403), ("ü", 403)):
        answer = await visit.ask("POST", "/v1/journal/verify", cookie=cookie, X_Startgate_CSRF=shown)
        assert answer.status == status or (status == 200 and answer.status == 409), answer.body
    other, _ = await visit.session("writer")
    answer = await visit.ask("POST", "/v1/journal/verify", cookie=other, X_Startgate_CSRF=csrf)
    assert answer.status == 403, "of another session"


async def test_no_form_of_another_page_changes_anything(visit: Visit) -> None:
    cookie, csrf = await visit.session("writer")
    told: tuple[dict[str, Any], ...] = (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    )
    for headers in told:
        answer = await visit.ask("POST", "/v1/journal/verify", cookie=cookie, X_Startgate_CSRF=csrf, **headers)
        assert answer.status == 403
        signed = await visit.ask("POST", "/sign-in", form={"username": "owner", "password": "ownerowner"}, **headers)
        assert (signed.status, signed.cookies) == (403, {}), "nor signs anybody in as somebody else"
    text = b'{"username": "writer", "password": "writerwriter"}'
    plain = await visit.ask("POST", "/v1/session", data=text, content_type="text/plain")
    assert plain.status == 415, "what a form can send is no JSON"


async def test_an_id_from_elsewhere_becomes_no_session(visit: Visit) -> None:
    """Session fixation: whoever made the browser have a cookie does not know what it is after signing in."""
    planted = "startgate=" + "A" * 43
    answer = await visit.ask(
        "POST", "/v1/session", cookie=planted, body={"username": "reader", "password": "readerreader"}
    )
    [(name, morsel)] = answer.cookies.items()
    assert f"{name}={morsel.value}" != planted
    assert await who(visit, cookie=planted) == (200, "", "anybody")


async def test_signing_in_again_ends_the_session_before(visit: Visit) -> None:
    old, _ = await visit.session("reader")
    body = {"username": "writer", "password": "writerwriter"}
    answer = await visit.ask("POST", "/v1/session", cookie=old, body=body)
    assert answer.status == 200
    assert await who(visit, cookie=old) == (200, "", "anybody")


async def test_two_cookies_are_none(visit: Visit) -> None:
    cookie, _ = await visit.session("reader")
    assert await who(visit, cookie=f"{cookie}; startgate=tossed") == (200, "", "anybody")


async def test_signing_out_ends_it(visit: Visit) -> None:
    cookie, csrf = await visit.session("reader")
    assert (await visit.ask("DELETE", "/v1/session", cookie=cookie)).status == 403
    answer = await visit.ask("DELETE", "/v1/session", cookie=cookie, X_Startgate_CSRF=csrf)
    assert (answer.status, answer.cookies["startgate"]["max-age"]) == (200, "0")
    assert await who(visit, cookie=cookie) == (200, "", "anybody")
    assert [act[:2] for act in visit.gate.acts] == [(SIGN_IN, "reader"), (SIGN_OUT, "reader")]


async def test_a_sign_in_that_is_not_on_record_changes_nothing(visit: Visit) -> None:
    visit.gate.full = True
    body = {"username": "writer", "password": "writerwriter"}
    answer = await visit.ask("POST", "/v1/session", body=body)
    assert (answer.status, answer.content["role"]) == (200, "read")
    assert "not on record" in answer.content["lowered"]
    assert (await visit.ask("POST", "/v1/session", body={**body, "username": "x"})).status == 401
    reader = await visit.ask("POST", "/v1/session", body={"username": "reader", "password": "readerreader"})
    assert (reader.content["role"], reader.content["lowered"]) == ("read", "")


async def test_over_tls_the_cookie_is_for_tls_alone(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "named.example")
    pair = tmp_path / "pair.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(pair)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    async with visiting(tmp_path, tls=(ListenTls(certificate=str(pair), key=str(pair)), client)) as visit:
        cookie, csrf = await visit.session("writer")
        assert cookie.startswith("__Host-startgate=")
        answer = await visit.ask("POST", "/v1/journal/verify", cookie=cookie, X_Startgate_CSRF=csrf, Origin=visit.url)
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert (await visit.ask("GET", "/v1/session", Host="named.example")).status == 200
        assert (await visit.ask("GET", "/v1/session", Host="localhost")).headers.get(
            "Strict-Transport-Security"
        ) is None


class Cluster:
    """Says of whoever asks what it is told to say."""

    def __init__(self) -> None:
        self.role = Role.WRITE
        self.error: ApiError | None = None
        self.asked = 0

    async def viewer(self, shown: Proof) -> Viewer:
        """As `access.cluster.Realm`."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return Viewer(name="ann", realm="native1", role=self.role, authorization=shown.secret)


class Scene:
    """A door without a port."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.cluster, self.book = Clock(), Cluster(), Book()
        limits = AdminLimits()
        self.limits = limits
        self.door = Door(limits, self.cluster, Tokens(tokens(folder), self.clock), Acts(self.book.record), self.clock)

    def begin(self) -> Viewer:
        """A session of ann's."""
        shown = proof.basic("ann", "x")
        viewer = Viewer(name="ann", realm="native1", role=Role.WRITE, authorization=shown.secret)
        _, session = self.door._sessions.begin(viewer, shown)
        return session.viewer


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_a_privilege_that_is_gone_is_gone_here_too(scene: Scene) -> None:
    viewer = scene.begin()
    scene.cluster.role = Role.READ
    assert await scene.door.still_allowed(viewer), "not asked again at once"
    assert scene.cluster.asked == 0
    scene.clock.now_s += scene.limits.session_check_s
    assert not await scene.door.still_allowed(viewer)
    assert await scene.door.still_allowed(replace(viewer, role=Role.READ))
    assert scene.cluster.asked == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_whom_the_cluster_does_not_know_any_more_is_out(scene: Scene, status: int) -> None:
    viewer = scene.begin()
    scene.cluster.error = ApiError(status, "gone")
    scene.clock.now_s += scene.limits.session_check_s
    assert not await scene.door.still_allowed(viewer)
    assert len(scene.door._sessions) == 0


async def test_while_the_cluster_is_away_one_may_read(scene: Scene) -> None:
    viewer = scene.begin()
    reading = replace(viewer, role=Role.READ)
    scene.cluster.error = ApiError(503, "away")
    scene.clock.now_s += scene.limits.session_check_s
    assert not await scene.door.still_allowed(viewer)
    assert await scene.door.still_allowed(reading)
    assert scene.cluster.asked == 1, "not asked for each request"
    scene.cluster.error = None
    scene.clock.now_s += doors.AGAIN_S
    assert await scene.door.still_allowed(viewer), "and when it is back, all is as before"


async def test_many_requests_of_a_session_make_one_check(scene: Scene) -> None:
    viewer = scene.begin()
    scene.clock.now_s += scene.limits.session_check_s
    assert all(await asyncio.gather(*(scene.door.still_allowed(viewer) for _ in range(50))))
    assert scene.cluster.asked == 1


async def test_what_lasts_is_no_use_of_a_session(scene: Scene) -> None:
    viewer = scene.begin()
    for _ in range(4):
        scene.clock.now_s += scene.limits.session_idle_s / 4
        still = await scene.door.still_allowed(viewer)
    assert not still


async def test_what_scripts_show_is_asked_for_now_and_then(scene: Scene) -> None:
    shown = proof.basic("ann", "x")
    viewers = [await scene.door._by_credentials(shown) for _ in range(10)]
    assert scene.cluster.asked == 1
    assert {viewer.authorization for viewer in viewers} == {shown.secret}
    assert shown.secret not in str(scene.door._shown), "and is not kept"
    scene.clock.now_s += doors.SHOWN_S
    await scene.door._by_credentials(shown)
    assert scene.cluster.asked == 2


async def test_no_more_is_kept_of_scripts_than_may_be(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "SHOWN", 10)
    for number in range(100):
        await scene.door._by_credentials(proof.basic("ann", str(number)))
    assert len(scene.door._shown) == 10


async def test_others_may_see_what_lasts_for_as_long_as_they_are_known(scene: Scene, tmp_path: Path) -> None:
    door = scene.door
    assert await door.still_allowed(ANONYMOUS)
    assert await door.still_allowed(door._local)
    token = await door._tokens.viewer(TOKENS["scraper"])
    assert token is not None
    assert await door.still_allowed(token)
    (tmp_path / "scraper.token").unlink()
    scene.clock.now_s += 1
    assert not await door.still_allowed(token)
    script = replace(await door._by_credentials(proof.basic("ann", "x")), session="")
    assert await door.still_allowed(script)
    scene.clock.now_s += doors.SHOWN_S
    scene.cluster.error = ApiError(401, "gone")
    assert not await door.still_allowed(script)
