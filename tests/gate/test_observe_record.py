"""The records of calls that are no starts."""

import pytest

from proxy.gate.fold import OTHERS, Folded
from proxy.gate.observe_owners import config_sha256
from proxy.gate.observe_record import MISSED_ACTION, Who, folded, missed, observed, outcome_of
from proxy.notes import Gap, Note
from proxy.route.table import DELETE, PUT, STOP, UPDATE
from tests.gate.fakes import ANN, BOB, made

NOW_MS = 1_700_000_000_000


def note(action: str = PUT, status: int | None = 200) -> Note:
    return Note(
        action=action,
        method="PUT",
        target="/secret-target",
        headers=(("Authorization", "Basic c2VjcmV0"),),
        peer="10.0.0.1:1",
        status=status,
        began_ms=1,
        answered_ms=2,
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "success"), (201, "success"), (400, "failure"), (404, "failure"), (503, "unknown"), (None, "unknown")],
)
def test_what_a_status_says(status: int | None, outcome: str) -> None:
    assert outcome_of(status) == outcome
    record = observed(note(status=status), "i", "j", Who(), "", {}, NOW_MS)
    assert record["event"]["outcome"] == outcome
    assert record["http"].get("response") == (None if status is None else {"status_code": status})


@pytest.mark.parametrize(
    ("action", "type"), [(PUT, "creation"), (UPDATE, "change"), (STOP, "change"), (DELETE, "deletion")]
)
def test_what_was_done(action: str, type: str) -> None:
    record = observed(note(action), "i", "j", Who(), "", {}, NOW_MS)
    assert record["event"]["action"] == action
    assert record["event"]["type"] == [type]
    assert record["event"]["dataset"] == "startgate.observed"
    assert "admin" not in record["startgate"]
    assert record["startgate"]["job"] == {"id": "j"}


def test_who_did_it_and_what_the_job_has_become() -> None:
    job = made()
    record = observed(note(), "i", job.id, Who(by="secondary", caller=ANN, secondary=BOB), job, {"url": {}}, NOW_MS)
    ours = record["startgate"]
    assert record["user"]["name"] == ANN.username
    assert (ours["caller"]["name"], ours["secondary"]["name"]) == (ANN.username, BOB.username)
    assert ours["observed"] == {"by": "secondary", "began_ms": 1, "answered_ms": 2}
    expected = {"create_time": job.create_time, "version": job.version, "config_sha256": config_sha256(job)}
    assert ours["job"] == {"id": job.id, **expected}
    assert record["url"] == {}


def test_what_could_not_be_found_out_is_said_and_bounded() -> None:
    record = observed(note(), "i", "j" * 5000, Who(problem="x" * 5000), "y" * 5000, {}, NOW_MS)
    ours = record["startgate"]
    assert max(len(ours["observed"][key]) for key in ("unknown_who", "unknown_job")) < 1100
    assert len(ours["job"]["id"]) < 1100
    assert "caller" not in ours


def test_no_secret_is_in_it() -> None:
    assert "c2VjcmV0" not in str(observed(note(), "i", "j", Who(), "", {}, NOW_MS))


def test_a_gap() -> None:
    record = missed(
        Gap(calls={PUT: 2, STOP: 1}, refused=4, since_ms=5, until_ms=9, why="the gate was down"), "i", NOW_MS
    )
    assert record["event"]["action"] == MISSED_ACTION
    assert record["event"]["reason"] == "the gate was down"
    assert record["startgate"]["observed"]["missed"] == {
        "count": 7,
        "calls": {PUT: 2, STOP: 1},
        "refused": 4,
        "since_ms": 5,
        "until_ms": 9,
    }


@pytest.mark.parametrize("peer", ["10.0.0.1", OTHERS])
def test_what_was_folded(peer: str) -> None:
    record = folded("starts", Folded(peer=peer, count=7, since_ms=1, until_ms=2), "i", NOW_MS)
    assert record["event"]["action"] == "startgate-unauthenticated-starts"
    assert record["startgate"]["admin"]["unauthenticated"] == {"count": 7, "since_ms": 1, "until_ms": 2}
    assert record.get("source") == ({"address": peer} if peer else None)
    assert "7 more" in record["event"]["reason"]
    assert "http" not in record, "they were refused for one reason or another"
