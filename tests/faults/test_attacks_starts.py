"""What somebody with little or no right may try to have a job started, to stay off the record, or to hold others up."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proxy.cli import main
from proxy.errors import Refusal
from proxy.gate.authorise import authorise
from proxy.gate.flight import Case
from proxy.gate.identify import credentials_of
from proxy.gate.plan import make_plan
from proxy.gate.ports import Facts
from proxy.journal.entry import Phase
from proxy.rules import Request, subjects_of
from proxy.settings import GateLimits
from tests.gate.fakes import FLIGHTS, KIBANA, RULES, FakeCluster, arrived, grants, known, made
from tests.stack import Replied, Stack, whole

pytestmark = pytest.mark.slow  # together some ten seconds

START = "/_ml/data_frame/analytics/{}/_start"
BODY_S = 0.5
ANALYST: dict[str, Any] = {
    "cluster": ["manage_ml", "monitor"],
    "indices": [
        {"names": ["src-*"], "privileges": ["read", "view_index_metadata"]},
        {"names": ["out*"], "privileges": ["read", "create_index", "manage", "index"]},
    ],
}
MALLORY = {"cluster": ["manage_ml", "monitor_ml", "manage_own_api_key", "monitor"], "indices": []}


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """Sources, a job of ann's, and mallory, who may manage jobs but read nothing."""
    limits = GateLimits(follow_up_poll_s=0.1, drain_s=5.0, start_body_s=BODY_S)
    async with whole(tmp_path, limits=limits) as found:
        found.cluster.add_role("analyst", ANALYST)
        found.cluster.add_role("mallory", MALLORY)
        found.cluster.add_user("ann", "secret-of-ann", ["analyst"])
        found.cluster.add_user("mallory", "secret-of-mallory", ["mallory"])
        for name in ("src-1", "src-2"):
            await found.ok("PUT", f"/{name}", {"mappings": {"properties": {"delay": {"type": "integer"}}}})
        lines = [part for n in range(40) for part in ({"index": {"_index": "src-1", "_id": str(n)}}, {"delay": n % 7})]
        await found.ok("POST", "/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
        await put(found, "job")
        yield found


async def put(stack: Stack, job: str, source: list[str] | None = None, *, auth: str | None = None) -> None:
    """A job, the superuser's unless told otherwise."""
    body = {
        "source": {"index": source or ["src-1"]},
        "dest": {"index": "out" if job == "job" else f"out-{job}"},
        "analysis": {"outlier_detection": {}},
    }
    await stack.ok("PUT", f"/_ml/data_frame/analytics/{job}", body, auth=auth)


def as_user(name: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:secret-of-{name}".encode()).decode()


async def untouched(stack: Stack, job: str = "job") -> None:
    """Nothing was created, and the job does not run."""
    answer = await stack.call("GET", "/out*", direct=True)
    assert answer.json == {}
    [stats] = (await stack.ok("GET", f"/_ml/data_frame/analytics/{job}/_stats"))["data_frame_analytics"]
    assert stats["state"] == "stopped"
    assert {one["progress_percent"] for one in stats["progress"]} == {0}


async def raw(stack: Stack, *lines: str, body: bytes = b"", wait_s: float = 5.0) -> bytes:
    """A start of the job with these header lines, as bytes; the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    head = "\r\n".join((f"POST {START.format('job')} HTTP/1.1", "Host: x", "Connection: close", *lines))
    writer.write(f"{head}\r\n\r\n".encode("latin-1") + body)
    try:
        async with asyncio.timeout(wait_s):
            return await reader.read()
    finally:
        writer.close()


# --- somebody else's name


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"es-security-runas-user": "kibana_system"},
        {"es-security-runas-user": "ann"},
        {"es-security-runas-user": ""},
        {"es-secondary-authorization": ""},
        {"es-secondary-authorization": "Bearer"},
        {"es-secondary-authorization": "Basic " + base64.b64encode(b"mallory:secret-of-mallory").decode()},
        {"X-Startgate-Subject": "elastic", "X-Startgate-Peer": "127.0.0.1:1", "X-Startgate-Receipt": "0" * 32},
        {"X-Forwarded-User": "elastic", "X-Proxy-User": "elastic", "es-client-authentication": "SharedSecret x"},
        {"X-HTTP-Method-Override": "GET"},
    ],
    ids=lambda more: ", ".join(more),  # noqa: PLW0108 -- `join` by itself has another type
)
async def test_no_header_lends_rights(stack: Stack, more: dict[str, str]) -> None:
    answer = await stack.start("job", as_user("mallory"), **more)
    assert answer.status in (401, 403), answer.body
    await untouched(stack)
    outcome = stack.recorded(answer.receipt).records[Phase.OUTCOME]
    assert outcome["event"]["outcome"] == "failure"
    assert answer.receipt != "0" * 32


@pytest.mark.parametrize(
    "lines",
    [
        ("Authorization: {mallory}", "Authorization: {elastic}"),
        ("authorization: {mallory}", "AUTHORIZATION: {elastic}"),
        ("Authorization: {mallory}", "es-secondary-authorization: {elastic}", "ES-Secondary-Authorization: {mallory}"),
        ("Authorization: {mallory},{elastic}",),
        ("Authorization: {mallory}", "Connection: es-secondary-authorization", "es-secondary-authorization: {mallory}"),
        ("Authorization: {mallory}", "Connection: authorization"),
        ("Authorization: {mallory}\r\n Authorization: {elastic}",),
        ("Authorization : {elastic}",),
    ],
)
async def test_identity_headers_are_not_a_matter_of_taste(stack: Stack, lines: tuple[str, ...]) -> None:
    """Twice, folded, listed, stripped by `Connection`: none of it is taken one way here and another in the cluster."""
    names = {"mallory": as_user("mallory"), "elastic": stack.cluster.superuser}
    answer = await raw(stack, *(line.format(**names) for line in lines))
    assert answer.split(b" ", 2)[1] in (b"400", b"401", b"403"), answer
    await untouched(stack)


async def test_a_user_of_the_intermediarys_name_is_not_the_intermediary(stack: Stack) -> None:
    """The owner may; so a trusted caller would start it. Users of other realms, keys and run-as are not that caller."""
    await put(stack, "anns", auth=as_user("ann"))
    for name in ("kibana_system", "elastic/kibana"):
        stack.cluster.add_user(name, f"secret-of-{name}", ["mallory"])
        answer = await stack.start("anns", as_user(name))
        assert answer.status == 403, answer.body
    answer = await stack.start("anns", f"ApiKey {stack.cluster.add_api_key('lent', owner='kibana_system')}")
    assert answer.status == 403, answer.body
    answer = await stack.start("anns", **{"es-security-runas-user": "kibana_system"})
    assert answer.status in (401, 403), answer.body
    await untouched(stack, "anns")


async def test_nobody_is_nobodys_data_subject(stack: Stack) -> None:
    """An empty secondary header is none, as in the cluster: the owner counts where Kibana asks."""
    await put(stack, "anns", auth=as_user("ann"))
    answer = await stack.start("anns", stack.cluster.kibana, **{"es-secondary-authorization": ""})
    assert answer.status == 200, answer.body
    assert stack.recorded(answer.receipt).records[Phase.OUTCOME]["startgate"]["subjects"]["data"] == "owner"


async def test_an_invalidated_key_owns_nothing(stack: Stack) -> None:
    stack.cluster.add_role("analyst", {**ANALYST, "cluster": [*ANALYST["cluster"], "manage_own_api_key"]})
    made = await stack.ok("POST", "/_security/api_key", {"name": "k"}, auth=as_user("ann"))
    await put(stack, "keys", auth=f"ApiKey {made['encoded']}")
    await stack.call("DELETE", "/_security/api_key", {"ids": [made["id"]]}, direct=True)
    answer = await stack.start("keys", stack.cluster.kibana)
    assert answer.status == 403
    assert "gone or invalidated" in answer.reason


# --- another job than the one that is judged


@pytest.mark.parametrize(
    "job",
    ["*", "jo*", "job,job", "_all",
     "job%2Cjob", "%6Aob%2a", "..", "job%2F", "job%00", "%EF%BD%8A%EF%BD%8F%EF%BD%82", "job%EF%BC%8A", "JOB",
     "-job", "job-", "%%", "job%23", "job;x", "job%0d%0aX:1", "a" * 65],
)  # fmt: skip
async def test_only_plain_ids_are_started(stack: Stack, job: str) -> None:
    answer = await stack.call(
        "POST", START.format(job.encode().decode("latin-1")) if job.isascii() else START.format("%EF%BD%8A")
    )
    assert answer.status in (400, 405), answer.body
    await untouched(stack)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"id":"other"}'),
        ("application/json", b'{"id":"job","id":"other"}'),
        ("application/json", '{"id":"other"}'.encode("utf-16")),
        ("application/yaml", b"id: other"),
        ("application/yaml", b"id: &a other\n<<: {id: job}"),
        ("application/cbor", b"\xa1\x62id\x65other"),
        ("application/smile", b":)\n\x01\xfa"),
        ("application/json; charset=utf-7", b"{}+AA"),
        ("application/x-www-form-urlencoded", b"id=job"),
    ],
)
async def test_a_body_names_no_other_job(stack: Stack, content_type: str, body: bytes) -> None:
    await put(stack, "other")
    answer = await raw(
        stack,
        f"Authorization: {stack.cluster.superuser}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        body=body,
    )
    assert answer.split(b" ", 2)[1] in (b"400", b"406"), answer
    await untouched(stack, "other")


@pytest.mark.parametrize(
    "query", ["?id=other", "?source=%7B%22id%22%3A%22other%22%7D&source_content_type=application/json"]
)
async def test_a_query_names_no_other_job(stack: Stack, query: str) -> None:
    await put(stack, "other")
    await stack.start("job", as_user("mallory"), query)
    await untouched(stack, "other")


async def test_a_job_changed_under_way_does_not_run_on(stack: Stack) -> None:
    """Deleted and made anew, over and over, while it is started: whatever runs in the end is what was judged, or is
    stopped and on record as such."""
    await put(stack, "racing", ["src-1"])

    async def change() -> None:
        for number in range(25):
            await stack.call("DELETE", "/_ml/data_frame/analytics/racing?force=true", direct=True)
            await put(stack, "racing", [f"src-{number % 2 + 1}"])
            await asyncio.sleep(0)

    changing = asyncio.ensure_future(change())
    answers: list[Replied] = []
    while not changing.done():
        answers.append(await stack.start("racing", as_user("ann")))
    await changing
    assert {answer.status for answer in answers} <= {200, 400, 404, 409}, [a.body for a in answers]
    for answer in answers:
        records = stack.recorded(answer.receipt).records
        assert (answer.status == 200) == (records[Phase.OUTCOME]["event"]["outcome"] == "success")


# --- sources and destinations


@pytest.mark.parametrize(
    "source",
    [["src-*", "hidden-*"], ["*"], ["_all"], ["src-1,hidden-1"], ["src-*,-src-2,hidden*"], ["-hidden-1"],
     ["*", "-hidden*"], ["<hidden-{now/d}>*"], [".sec*"], ["src-1", "src-1*,hidden-1*"]],
)  # fmt: skip
async def test_expressions_do_not_reach_beyond_what_is_held(stack: Stack, source: list[str]) -> None:
    await stack.ok("PUT", "/hidden-1", {"mappings": {"properties": {"salary": {"type": "integer"}}}})
    body = {"source": {"index": source}, "dest": {"index": "out-x"}, "analysis": {"outlier_detection": {}}}
    made = await stack.call("PUT", "/_ml/data_frame/analytics/reach", body, direct=True)
    if made.status != 200:
        return  # the cluster itself does not take such a job
    answer = await stack.start("reach", as_user("ann"))
    assert answer.status in (400, 403), answer.body
    assert b"salary" not in answer.body
    assert (await stack.call("GET", "/out-x", direct=True)).status == 404


@pytest.mark.parametrize(
    "destination", ["src-2", "alias-of-source", "out-*", "-out", "_out", ".", "<out-{now/d}>", "out,x"]
)
async def test_destinations_that_are_none_are_not_made(stack: Stack, destination: str) -> None:
    await stack.ok("POST", "/_aliases", {"actions": [{"add": {"index": "src-1", "alias": "alias-of-source"}}]})
    body = {"source": {"index": ["src-*"]}, "dest": {"index": destination}, "analysis": {"outlier_detection": {}}}
    made = await stack.call("PUT", "/_ml/data_frame/analytics/odd", body, direct=True)
    if made.status == 200:
        answer = await stack.start("odd")
        assert answer.status == 400, answer.body
    assert sorted(await stack.ok("GET", "/*")) == ["src-1", "src-2"]


@pytest.mark.parametrize(
    ("sources", "found", "planned"),
    [
        ([".w*"], [".watches", ".wide"], [".wide"]),
        (["f*", ".k*"], [".kibana_1", "flights"], ["flights"]),
        ([".kib*"], [".kibana_1"], []),
        ([".kibana"], [".kibana_1"], None),
    ],
)
async def test_the_service_credential_shows_an_owner_no_system_indices(
    sources: list[str], found: list[str], planned: list[str] | None
) -> None:
    """It may see more than the owner: what a wildcard stands for is the owner's to see, an alias is not followed."""
    known_job = known(made(source={"index": sources}, dest={"index": "out"}))
    facts = Facts(sources=tuple(replace(FLIGHTS, name=name) for name in found), destination=None)
    role = {"indices": [{"names": ["*"], "privileges": ["all"]}]}
    reaching = {"indices": [{"names": ["*"], "privileges": ["all"], "allow_restricted_indices": True}]}
    for who in (grants(role), grants(reaching, limited_by=[role])):
        if planned is None:
            with pytest.raises(Refusal, match="system index"):
                make_plan(known_job, facts, who, 0)
        else:
            assert list(make_plan(known_job, facts, who, 0).sources) == planned
    assert list(make_plan(known_job, facts, grants(reaching), 0).sources) == found


# --- off the record, or in somebody else's words


@pytest.mark.parametrize(
    "target",
    [START.format("%1b%5b2J%0aforged%20line"), START.format("job") + "?%1b%5b31m=1&%0d%0aGRANTED=1",
     START.format("%C2%9b"), START.format("%E2%80%AEboj"), START.format("job") + "?timeout=%1b%5d0%3bx%07"],
)  # fmt: skip
async def test_no_escape_sequence_reaches_an_operators_terminal(stack: Stack, target: str) -> None:
    answer = await stack.call("POST", target, more={"User-Agent": "x\u009b2J", "X-Opaque-Id": "\u202egnp"})
    assert answer.status == 400
    for command in (["list"], ["show", answer.receipt]):
        said = CliRunner().invoke(main, ["audit", *command, "--journal", str(stack.journal)])
        assert said.exit_code == 0, said.output
        assert [char for char in said.output if not char.isprintable() and char != "\n"] == []
        assert not any(line.strip().startswith(("forged", "GRANTED")) for line in said.output.splitlines())


async def test_who_may_not_start_a_job_holds_up_nobody(stack: Stack) -> None:
    """However many stand in line without a right to."""
    stack.cluster.delay_s = 0.2
    bad = ["Basic bm9ib2R5Om5v", as_user("mallory")]
    flood = [asyncio.ensure_future(stack.start("job", bad[n % 2])) for n in range(60)]
    await asyncio.sleep(0.02)
    begun = time.monotonic()
    answer = await stack.start("job", as_user("ann"))
    took = time.monotonic() - begun
    assert answer.status == 200, answer.body
    assert {one.status for one in await asyncio.gather(*flood)} <= {401, 403}
    assert took < 60 * 0.2, "in line behind them it would be at least one round trip for each"


async def test_a_body_that_drips_in_is_given_up(stack: Stack) -> None:
    begun = time.monotonic()
    answers = await asyncio.gather(
        *(raw(stack, "Content-Type: application/json", "Content-Length: 10", body=b"{", wait_s=60) for _ in range(20))
    )
    assert time.monotonic() - begun < 20 * BODY_S, "one after the other"
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 408 "), answer
        assert b"limits.gate.start_body_s" in answer
    assert len(stack.all_recorded()) == 1, "nobody is known yet: of one address, the first"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/yaml", b"a: b\n" * 12_000),
        ("application/yaml", b"[" * 8 + b"a, " * 12_000),
        ("application/json", b"[" * 60_000),
        ("application/cbor", bytes([0x9A, 0, 0x80, 0, 0]) * 12_000),
        ("application/cbor", b"\xa1\x62id\xc5\x82\x1b\x0f\xff\xff\xff\xff\xff\xff\xff\x03"),
    ],
    ids=["yaml lines", "yaml list", "json", "cbor", "cbor bigfloat"],
)
async def test_no_body_holds_up_the_gate(stack: Stack, content_type: str, body: bytes) -> None:
    """Bodies are read before anybody is known."""
    begun = time.process_time()
    answer = await raw(stack, f"Content-Type: {content_type}", f"Content-Length: {len(body)}", body=body)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert time.process_time() - begun < 1.0, "a slow machine included; read to the end they take seconds"


async def test_source_expressions_hold_up_nobody() -> None:
    """Whoever makes a job chooses them, and the owner's roles are compared with each."""
    nasty = ["*".join("lgos-.mdktrica" * 8) + f"{number}*" for number in range(300)]
    role = {"indices": [{"names": ["logs-*", "metrics-*", "*-prod-*"], "privileges": ["all"]}]}
    who = replace(known(made(source={"index": nasty})), caller=KIBANA)
    subjects = subjects_of(RULES, who.caller, None, who.job.owner)
    cluster = FakeCluster([], {"grants": grants(role)})
    case = Case(rules=RULES, credentials=credentials_of(arrived(), "ApiKey s"), known=who, subjects=subjects)
    judging = asyncio.ensure_future(authorise(case, Request(), None, 0, cluster))
    turns = 0
    while not judging.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert turns > 10  # the loop went on meanwhile
    [reason] = (await judging).verdict.reasons
    assert "comparing all the names takes more than" in reason.text


async def test_time_goes_on_record_as_it_was(stack: Stack) -> None:
    """No header of a client's sets a record's time, peer or receipt."""
    more: dict[str, Any] = {"X-Startgate-Receipt": "f" * 32, "X-Startgate-Peer": "6.6.6.6:6", "Date": "x"}
    answer = await stack.start("job", as_user("mallory"), **more)
    outcome = stack.recorded(answer.receipt).records[Phase.OUTCOME]
    assert outcome["source"]["address"] == "127.0.0.1"
    age = datetime.now(UTC) - datetime.fromisoformat(outcome["@timestamp"])
    assert abs(age.total_seconds()) < 30
