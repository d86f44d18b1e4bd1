"""Who asks, and for which job: credentials taken from headers, refusals worded as the start's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.flight import HiddenJob, Known
from proxy.gate.identify import credentials_of, forwarded, identify
from proxy.model import Identity
from tests.gate.fakes import ANN, BOB, STOPPED, TARGET, FakeCluster, arrived, made, refused_by_cluster

SERVICE = "ApiKey c2VydmljZQ=="
AUTH = ("Authorization", "Basic YW5u")
SECONDARY = ("ES-Secondary-Authorization", "Basic Ym9i")


async def asked(
    *headers: tuple[str, str], service: str | None = SERVICE, answers: Mapping[str, Any] | None = None
) -> tuple[Any, FakeCluster]:
    cluster = FakeCluster([], dict(answers or {}))
    credentials = credentials_of(arrived(AUTH, *headers), service)
    try:
        start = arrived(AUTH, *headers, target=f"{TARGET}?pretty")
        return await identify("outliers", start, credentials, cluster), cluster
    except Exception as failure:  # noqa: BLE001 -- looked at by the test
        return failure, cluster


def test_the_caller_is_whom_the_headers_name() -> None:
    found = credentials_of(
        arrived(
            ("X-Other", "1"),
            ("AUTHORIZATION", "Basic a"),
            ("es-security-runas-user", "carl"),
            ("ES-Client-Authentication", "SharedSecret s"),
            ("X-Opaque-Id", "o"),
            ("traceparent", "t"),
        ),
        None,
    )
    assert found.caller.whose == "caller"
    assert found.caller.headers == (
        ("authorization", "Basic a"),
        ("es-security-runas-user", "carl"),
        ("es-client-authentication", "SharedSecret s"),
        ("x-opaque-id", "o"),
        ("traceparent", "t"),
    )
    assert (found.secondary, found.service) == (None, None)


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ([("traceparent", "t"), ("tracestate", "a=1"), ("TraceState", ""), ("tracestate", "b=2")], "a=1,b=2"),
        ([("traceparent", "t"), ("tracestate", "")], None),
        ([("tracestate", "a=1")], None),
    ],
)
def test_the_state_of_a_trace_goes_along_as_one_list(headers: list[tuple[str, str]], trace: str | None) -> None:
    found = credentials_of(arrived(AUTH, *headers), None)
    assert dict(found.caller.headers).get("tracestate") == trace


def test_the_secondary_has_its_own_headers_only() -> None:
    """Run-as is the caller's alone; the shared secret of a JWT realm has a header of its own for the secondary."""
    found = credentials_of(
        arrived(
            AUTH,
            SECONDARY,
            ("es-security-runas-user", "carl"),
            ("es-client-authentication", "SharedSecret mine"),
            ("es-secondary-x-client-authentication", "SharedSecret theirs"),
            ("x-opaque-id", "o"),
        ),
        SERVICE,
    )
    assert found.secondary is not None
    assert found.secondary.headers == (
        ("authorization", "Basic Ym9i"),
        ("es-client-authentication", "SharedSecret theirs"),
        ("x-opaque-id", "o"),
    )
    assert found.service is not None
    assert found.service.headers == (("authorization", SERVICE), ("x-opaque-id", "o"))


def test_a_secondary_without_a_shared_secret_has_none() -> None:
    found = credentials_of(arrived(SECONDARY, ("es-client-authentication", "SharedSecret mine")), None)
    assert found.secondary is not None
    assert found.secondary.headers == (("authorization", "Basic Ym9i"),)


def test_an_empty_secondary_is_none() -> None:
    assert credentials_of(arrived(AUTH, ("es-secondary-authorization", "")), None).secondary is None


async def test_a_secondary_is_never_the_anonymous_user() -> None:
    told, _ = await asked(SECONDARY, answers={"identify secondary": replace(BOB, authentication_type="anonymous")})
    assert (told.status, told.reason) == (401, "Failed to authenticate secondary user")


def test_nobody_is_somebody_too() -> None:
    """A cluster may allow anonymous access: who that is, it says itself."""
    assert credentials_of(arrived(), None).caller.headers == ()


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "es-security-runas-user",
        "ES-Client-Authentication",
        "es-secondary-authorization",
        "es-secondary-x-client-authentication",
    ],
)
def test_a_name_that_came_twice_is_a_guess(name: str) -> None:
    with pytest.raises(Refusal) as told:
        credentials_of(arrived((name, "a"), (name.swapcase(), "a")), None)
    assert (told.value.status, told.value.reason) == (
        400,
        f"multiple values for single-valued header [{name.lower()}]",
    )


async def test_everything_is_asked_at_once() -> None:
    found, cluster = await asked(SECONDARY)
    assert found == Known(caller=ANN, secondary=BOB, job=made(), state=STOPPED, version="8.15.3")
    assert cluster.calls == ["identify caller", "identify secondary", "job caller", "state caller", "version service"]


async def test_without_a_service_the_caller_asks_for_the_version() -> None:
    found, cluster = await asked(service=None, answers={"version": None})
    assert (found.secondary, found.version) == (None, None)
    assert cluster.calls[-1] == "version caller"


async def test_a_refused_caller_is_told_about_the_start_not_about_our_question() -> None:
    reason = "missing authentication credentials for REST request [/_security/_authenticate]"
    told, _ = await asked(answers={"identify caller": refused_by_cluster(401, reason=reason)})
    assert isinstance(told, Refusal)
    assert told.reason == f"missing authentication credentials for REST request [{TARGET}?pretty]"
    assert told.body()["error"]["root_cause"][0]["reason"] == told.reason


async def test_a_refused_run_as_is_told_about_the_start() -> None:
    reason = "action [cluster:admin/xpack/security/user/authenticate] is unauthorized for user [ann]"
    told, _ = await asked(answers={"identify caller": refused_by_cluster(403, reason=reason)})
    assert told.reason == "action [cluster:admin/xpack/ml/data_frame/analytics/start] is unauthorized for user [ann]"


async def test_the_callers_refusal_comes_before_all_others() -> None:
    told, _ = await asked(
        SECONDARY,
        answers={
            "identify caller": refused_by_cluster(401, reason="caller"),
            "identify secondary": refused_by_cluster(401, reason="secondary"),
            "job": refused_by_cluster(404, reason="job"),
            "version": ClusterUnreachable("version"),
        },
    )
    assert told.reason == "caller"


async def test_a_refused_secondary_is_told_as_elasticsearch_does() -> None:
    refusal = refused_by_cluster(401, "security_exception", "unable to authenticate [/_security/_authenticate]")
    told, _ = await asked(SECONDARY, answers={"identify secondary": refusal, "job": refused_by_cluster(404)})
    assert isinstance(told, Refusal)
    assert told.status == 401
    assert told.body()["error"] == {
        "root_cause": [{"type": "security_exception", "reason": "Failed to authenticate secondary user"}],
        "type": "security_exception",
        "reason": "Failed to authenticate secondary user",
        "caused_by": {"type": "security_exception", "reason": f"unable to authenticate [{TARGET}?pretty]"},
    }


async def test_a_cluster_without_security_is_told_as_it_is() -> None:
    without = Refusal(403, "security_exception", "the cluster has no security")
    told, _ = await asked(SECONDARY, answers={"identify caller": without, "identify secondary": without})
    assert told is without


@pytest.mark.parametrize("status", [403, 404])
async def test_a_job_that_is_not_shown_is_hidden(status: int) -> None:
    refusal = refused_by_cluster(status)
    found, _ = await asked(SECONDARY, answers={"job": refusal, "state": refusal})
    assert found == HiddenJob(caller=ANN, secondary=BOB, refusal=refusal)


@pytest.mark.parametrize("call", ["identify caller", "identify secondary", "job", "state", "version"])
async def test_no_answer_to_any_question_is_no_answer(call: str) -> None:
    unreachable = ClusterUnreachable(call)
    told, _ = await asked(SECONDARY, answers={call: unreachable})
    assert told is unreachable


async def test_a_job_that_vanishes_between_two_questions_is_gone() -> None:
    refusal = refused_by_cluster(
        404, "resource_not_found_exception", "No known data frame analytics with id [outliers]"
    )
    told, _ = await asked(answers={"state": refusal})
    assert told is refusal


@dataclass
class Own:
    """Identities of our own; notes what it was asked."""

    told: Any = (ANN, BOB)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    kept_back: frozenset[str] = frozenset({"authorization", "x-user"})

    async def identify(
        self, headers: Sequence[tuple[str, str]], *, peer: str, certificate: str, target: str
    ) -> tuple[Identity, Identity | None]:
        self.asked.append((tuple(headers), peer, certificate, target))
        if isinstance(self.told, Exception):
            raise self.told
        told: tuple[Identity, Identity | None] = self.told
        return told


async def test_with_our_own_identities_the_cluster_is_not_asked_who_somebody_is() -> None:
    cluster, own = FakeCluster([]), Own()
    start = replace(arrived(AUTH, SECONDARY), certificate="abc")
    credentials = credentials_of(start, SERVICE, own=True)
    found = await identify("outliers", start, credentials, cluster, own)
    assert found == Known(caller=ANN, secondary=BOB, job=made(), state=STOPPED, version="8.15.3")
    assert own.asked == [((AUTH, SECONDARY), "10.1.2.3:4567", "abc", TARGET)]
    assert cluster.calls == ["job caller", "state caller", "version service"]


async def test_nobody_of_our_own_costs_the_cluster_no_call() -> None:
    cluster, refusal = FakeCluster([]), Refusal(401, "security_exception", "nobody")
    with pytest.raises(Refusal, match="nobody"):
        await identify("outliers", arrived(), credentials_of(arrived(), None, own=True), cluster, Own(told=refusal))
    assert cluster.calls == []


@pytest.mark.parametrize(("service", "sent"), [(SERVICE, (("authorization", SERVICE),)), (None, ())])
def test_what_came_is_never_the_clusters_credential_where_identities_are_our_own(
    service: str | None, sent: tuple[tuple[str, str], ...]
) -> None:
    start = arrived(AUTH, SECONDARY, ("es-client-authentication", "SharedSecret s"), ("x-opaque-id", "o"))
    found = credentials_of(start, service, own=True)
    expected = (*sent, ("x-opaque-id", "o"))
    assert found.caller.headers == expected
    assert found.secondary is not None
    assert found.secondary.headers == expected
    assert (found.service.headers if found.service else None) == (expected if service else None)
    assert credentials_of(arrived(AUTH), service, own=True).secondary is None


def test_a_name_that_came_twice_is_a_guess_for_our_own_identities_too() -> None:
    with pytest.raises(Refusal, match="multiple values"):
        credentials_of(arrived(AUTH, AUTH), None, own=True)


def test_the_start_is_forwarded_without_what_names_somebody_to_us() -> None:
    start = arrived(AUTH, ("X-User", "ann"), ("X-Other", "1"), ("X-Opaque-Id", "o"))
    served, bare = (credentials_of(start, service, own=True) for service in (SERVICE, None))
    assert forwarded(start, served, Own()) == (("X-Other", "1"), ("X-Opaque-Id", "o"), ("authorization", SERVICE))
    assert forwarded(start, bare, Own()) == (("X-Other", "1"), ("X-Opaque-Id", "o"))
    assert forwarded(start, credentials_of(start, SERVICE), None) == start.headers
