"""The service credential, as a cluster tells of it."""

from typing import Any

import pytest

from proxy.demo.data import SERVICE_ROLE
from proxy.doctor import credential
from proxy.doctor.ask import Asker, Facts
from proxy.doctor.model import Finding, State
from proxy.embedded.app import serve_embedded
from proxy.settings import GateSettings
from tests.doctor.cluster import FORBIDDEN, Patient, facts, serving, told, who

NOW = 1_000_000.0
JOBS = {
    "data_frame_analytics": [
        {"source": {"index": ["flights", "other:flights", "-flights-2", "<flights-{now}>"]}, "dest": {"index": "out"}},
        {"source": {"index": "flights"}, "dest": {"index": "out-2"}},
        "no job",
    ]
}
ENOUGH = frozenset(
    {
        *credential.CLUSTER,
        *(f"{one} on flights" for one in credential.SOURCE),
        *(f"{one} on {name}" for one in credential.DESTINATION for name in ("out", "out-2")),
    }
)


def test_names_of_jobs_that_can_be_asked_for() -> None:
    named = credential.jobs(told(JOBS))
    assert (named.sources, named.destinations) == (("flights",), ("out", "out-2"))
    assert credential.jobs(told(status=403)) == credential.Jobs()


async def examined(held: frozenset[str] | None, **more: Any) -> dict[str, Finding]:
    patient = Patient(held=held, answers=more.pop("answers", {}))
    async with serving(patient):
        asker = Asker(patient.settings)
        given = {"jobs": told(JOBS), **more}
        found = await credential.examine(asker, facts(**given), configured=True, own_identities=False, now=NOW)
        await asker.close()
    return {one.check: one for one in found}


async def test_what_is_needed_is_held_and_no_more() -> None:
    found = await examined(ENOUGH)
    assert {one.state for one in found.values()} == {State.OK}
    assert "on 3 names" in found["credential-privileges"].seen


async def test_what_is_missing_is_listed() -> None:
    found = (await examined(ENOUGH - {"read_security", "manage on out", "create_index on out"}))[
        "credential-privileges"
    ]
    assert found.state is State.FAIL
    assert found.seen == "missing: read_security; create_index, manage on out"


async def test_a_superuser_is_too_much() -> None:
    found = (await examined(None))["credential-excess"]
    assert found.state is State.WARN
    assert "manage_security" in found.seen
    assert "write, manage, delete_index on flights" in found.seen


async def test_an_old_version_has_no_such_privilege() -> None:
    answer = (
        400,
        {"error": {"type": "illegal_argument_exception", "reason": "unknown cluster privilege [read_security]"}},
    )
    found = await examined(ENOUGH, answers={credential.HOLDS: answer})
    assert found["credential-privileges"].state is State.WARN
    assert "upgrade Elasticsearch" in found["credential-privileges"].advice


async def test_what_may_not_be_asked_is_skipped() -> None:
    found = await examined(ENOUGH, answers={credential.HOLDS: FORBIDDEN})
    assert [found[f"credential-{name}"].state for name in ("privileges", "excess")] == [State.SKIP, State.SKIP]
    blind = await examined(ENOUGH, jobs=told(status=403))
    assert "who asks lacks the cluster privilege monitor_ml" in blind["credential-privileges"].seen


@pytest.mark.parametrize(
    ("given", "configured", "own", "state"),
    [
        (facts(), True, False, State.OK),
        (facts(who=told(status=401, why="expired")), True, False, State.FAIL),
        (facts(who=told(status=400)), True, False, State.WARN),
        (facts(who=told(status=0, why="cut")), True, False, State.SKIP),
        (facts(), False, False, State.WARN),
        (facts(), False, True, State.OK),
        (facts(who=told(status=400)), False, False, State.OK),
    ],
)
def test_whether_it_is_good(given: Facts, configured: bool, own: bool, state: State) -> None:
    assert credential.whether_good(given, configured=configured, own_identities=own).state is state


def test_a_key_is_named() -> None:
    found = credential.whether_good(facts(who=told(who(api_key={"name": "sg"}))), configured=True, own_identities=False)
    assert found.seen == "API key sg of startgate"


@pytest.mark.parametrize(
    ("key", "state"),
    [
        (None, State.OK),
        (told({"api_keys": [{}]}), State.OK),
        (told({"api_keys": [{"expiration": (NOW + 15 * 86400) * 1000}]}), State.OK),
        (told({"api_keys": [{"expiration": (NOW + 13 * 86400) * 1000}]}), State.WARN),
        (told({"api_keys": []}), State.SKIP),
        (told(status=403), State.SKIP),
    ],
)
def test_when_a_key_ends(key: object, state: State) -> None:
    assert credential.expiry(facts(key=key), NOW).state is state


@pytest.mark.parametrize(("role", "state"), [(SERVICE_ROLE, State.OK), (None, State.WARN)])
async def test_the_documented_role_is_no_excess(role: dict[str, Any] | None, state: State) -> None:
    """A key without a role of its own may do whatever its owner may: all."""
    async with serve_embedded() as cluster:
        key = cluster.add_api_key("sg", None if role is None else {"sg": role})
        settings = GateSettings(socket="", nodes=(cluster.url,), rules="", journal="", service=f"ApiKey {key}")
        asker = Asker(settings)
        found = await credential.examine(asker, facts(), configured=True, own_identities=False, now=NOW)
        await asker.close()
    states = {one.check: one.state for one in found}
    assert (states["credential-privileges"], states["credential-excess"]) == (State.OK, state)
