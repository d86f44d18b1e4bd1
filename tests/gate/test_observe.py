"""What is found out of an observed call, by whose credentials, and what is on record when that goes wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable, JournalError, Refusal
from proxy.gate.observe import Observer, job_id_of
from proxy.gate.observe_owners import MISSED, NOT_YET, Owners
from proxy.model import Identity
from proxy.notes import Gap, Note
from proxy.route.table import DELETE, PUT, STOP, UPDATE
from tests.gate.fakes import ANN, BOB, FakeClock, FakeCluster, made, refused_by_cluster

JOB = "/_ml/data_frame/analytics/outliers"
AUTH = ("Authorization", "Basic YW5u")
SECONDARY = ("es-secondary-authorization", "Basic Ym9i")


@dataclass
class Records:
    """A journal that keeps what it is given, or fails."""

    entries: list[Mapping[str, Any]] = field(default_factory=list)
    failing: bool = False

    async def append(self, entry: Mapping[str, Any]) -> None:
        if self.failing:
            raise JournalError("no space")
        self.entries.append(entry)


@dataclass
class Own:
    """Startgate's own word on who asks."""

    found: tuple[Identity, Identity | None] | Exception
    kept_back: frozenset[str] = frozenset()

    async def identify(
        self, headers: Sequence[tuple[str, str]], *, peer: str, certificate: str, target: str
    ) -> tuple[Identity, Identity | None]:
        assert (peer, certificate) == ("10.0.0.1:55", "CN=x")
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


class Scene:
    """An observer and all around it."""

    def __init__(self, answers: Mapping[str, Any] | None = None, *, service: str | None = "ApiKey eA==") -> None:
        self.calls: list[str] = []
        self.cluster = FakeCluster(self.calls, dict(answers or {}))
        self.journal = Records()
        self.owners = Owners()
        self.folded: list[str] = []
        self.repeats = False
        self.own: Own | None = None
        self.service = service

    @property
    def observer(self) -> Observer:
        return Observer(
            self.cluster,
            self.journal,
            FakeClock(),
            service=self.service,
            own=self.own,
            owners=self.owners,
            repeated=self._repeated,
        )

    def _repeated(self, peer: str) -> bool:
        self.folded.append(peer)
        return self.repeats

    async def note(self, *headers: tuple[str, str], action: str = PUT, **changed: Any) -> Mapping[str, Any]:
        """The record of one call."""
        values: dict[str, Any] = {"target": JOB, "status": 200, "peer": "10.0.0.1:55", "certificate": "CN=x"} | changed
        one = Note(action=action, method="PUT", headers=headers or (AUTH,), began_ms=10, answered_ms=20, **values)
        await self.observer.note(one)
        return self.journal.entries[-1]


async def test_a_call_is_recorded_with_who_made_it_and_what_the_job_became() -> None:
    scene = Scene()
    record = await scene.note(
        *(
            AUTH,
            SECONDARY,
            ("Forwarded", "for=192.0.2.9"),
            ("X-Opaque-Id", "kibana;1"),
            ("User-Agent", "curl"),
            ("X-Forwarded-For", "192.0.2.1"),
        ),
        front="10.9.9.9:7",
    )
    ours = record["startgate"]
    assert (ours["caller"]["name"], ours["secondary"]["name"]) == (ANN.username, BOB.username)
    assert ours["observed"]["by"] == "secondary"
    assert ours["job"]["create_time"] == made().create_time
    assert record["source"]["address"] == "10.0.0.1"
    assert record["labels"] == {"x_opaque_id": "kibana;1"}
    assert record["user_agent"] == {"original": "curl"}
    assert record["client"] == {"address": "192.0.2.1"}
    assert ours["forwarded"] == {"for": ["192.0.2.1"], "header": ["for=192.0.2.9"]}
    assert ours["front"] == {"address": "10.9.9.9"}
    assert record["url"] == {"path": JOB}
    assert record["http"] == {"request": {"method": "PUT"}, "response": {"status_code": 200}}
    assert "YW5u" not in str(record)
    assert dict(scene.cluster.credentials["caller"].headers)["authorization"] == AUTH[1]
    assert scene.owners.seen(made())["name"] == BOB.username


@pytest.mark.parametrize(
    ("action", "status", "asked"),
    [(PUT, 200, True), (UPDATE, 200, True), (STOP, 200, False), (DELETE, 200, False), (PUT, 400, False)],
)
async def test_the_job_is_only_asked_for_where_it_was_changed(action: str, status: int, asked: bool) -> None:
    scene = Scene()
    await scene.note(action=action, status=status)
    assert ("job caller" in scene.calls) is asked
    assert "identify caller" in scene.calls


async def test_who_may_not_see_the_job_is_helped_by_the_service() -> None:
    scene = Scene({"job caller": refused_by_cluster(403)})
    assert "create_time" in (await scene.note())["startgate"]["job"]
    scene = Scene({"job caller": refused_by_cluster(403, reason="may not see it")}, service=None)
    ours = (await scene.note())["startgate"]
    assert ours["job"] == {"id": "outliers"}
    assert "may not see it" in ours["observed"]["unknown_job"]


@pytest.mark.parametrize(
    "answers",
    [
        {"identify caller": ClusterUnreachable("away")},
        {"identify caller": refused_by_cluster(401, reason="away")},
        {"identify secondary": Refusal(403, "security_exception", "away")},
    ],
)
async def test_who_cannot_be_told_is_said(answers: Mapping[str, Any]) -> None:
    scene = Scene(answers)
    ours = (await scene.note(AUTH, SECONDARY))["startgate"]
    assert "away" in ours["observed"]["unknown_who"]
    assert ("caller" in ours) is ("identify caller" not in answers)
    if "identify secondary" in answers:
        assert scene.owners.seen(made())["known"] is False


async def test_headers_that_contradict_each_other_name_nobody() -> None:
    ours = (await Scene().note(AUTH, AUTH))["startgate"]
    assert "multiple values" in ours["observed"]["unknown_who"]


async def test_what_fails_within_is_no_reason_to_leave_the_call_out(caplog: pytest.LogCaptureFixture) -> None:
    record = await Scene({"identify caller": RuntimeError("inner matter")}).note()
    assert "its log says why" in record["startgate"]["observed"]["unknown_who"]
    assert "inner matter" in caplog.text


async def test_on_a_cluster_without_security_startgate_says_who_it_was() -> None:
    scene = Scene()
    scene.own = Own((ANN, BOB))
    ours = (await scene.note(AUTH, SECONDARY))["startgate"]
    assert (ours["caller"]["name"], ours["secondary"]["name"]) == (ANN.username, BOB.username)
    assert not [call for call in scene.calls if call.startswith("identify")]
    scene.own = Own(Refusal(401, "security_exception", "nobody is named"))
    assert "nobody is named" in (await scene.note())["startgate"]["observed"]["unknown_who"]


async def test_without_credentials_nobody_is_asked_and_repetitions_are_folded() -> None:
    scene = Scene()
    record = await scene.note(status=401)
    assert scene.calls == []
    assert record["event"]["outcome"] == "failure"
    scene.repeats = True
    await scene.note(status=401)
    assert len(scene.journal.entries) == 1
    assert scene.folded == ["10.0.0.1", "10.0.0.1"]
    await scene.note(status=403)
    assert len(scene.journal.entries) == 2, "somebody who is known is recorded each time"


@pytest.mark.parametrize(("status", "folded"), [(400, True), (406, True), (408, True), (200, False), (None, True)])
async def test_what_the_cluster_refused_without_asking_who_it_is_is_folded(status: int | None, folded: bool) -> None:
    """A body that is no JSON is refused before credentials are looked at."""
    scene = Scene()
    scene.cluster.answers = {"identify caller": refused_by_cluster(401)}
    scene.repeats = True
    scene.journal.entries.append({})
    await scene.note(status=status)
    assert (len(scene.journal.entries), scene.folded) == ((1, ["10.0.0.1"]) if folded else (2, []))


@pytest.mark.parametrize(
    ("status", "known_as", "folded"),
    [
        (None, refused_by_cluster(401), True),
        (503, refused_by_cluster(401), True),
        (None, refused_by_cluster(403), False),
        (None, ClusterUnreachable("away"), False),
        (None, BOB, False),
        (200, refused_by_cluster(401), False),  # revoked meanwhile
    ],
)
async def test_a_call_that_a_stranger_gave_up_is_folded_and_its_job_has_no_known_owner(
    status: int | None, known_as: Any, folded: bool
) -> None:
    """Hanging up hides the 401. But their credentials may have been good a moment ago: nobody is named."""
    scene = Scene()
    await scene.note()
    assert scene.owners.seen(made())["known"]
    scene.repeats = True
    scene.cluster.answers = {"identify caller": known_as}
    await scene.note(action=UPDATE, status=status)
    assert len(scene.journal.entries) == (1 if folded else 2)
    assert scene.owners.seen(made())["known"] is (known_as is BOB and status == 200)


@pytest.mark.parametrize(
    "pretender",
    [
        replace(BOB, username="masked:0123456789abcdef0123"),
        replace(BOB, api_key_id="i", api_key_name="masked:0123456789abcdef0123"),
    ],
)
async def test_whoever_is_named_as_a_mask_is_on_record_and_passes_for_nobody(pretender: Identity) -> None:
    """An owner's name is not masked a second time, so that this one would be taken for whom the mask stands for."""
    scene = Scene()
    scene.cluster.answers = {"identify caller": pretender}
    record = await scene.note()
    assert record["startgate"]["caller"]["name"] == pretender.username
    assert scene.owners.seen(made()) == {
        "known": False,
        "why": "who changed the job is not known: the name is one that only masks have",
    }


async def test_what_is_not_on_record_is_an_error_and_nobody_is_called_owner_until_the_next() -> None:
    scene = Scene()
    await scene.note()
    scene.journal.failing = True
    with pytest.raises(JournalError):
        await scene.note(action=UPDATE)
    assert scene.owners.seen(made()) == {"known": False, "why": MISSED}


async def test_a_refused_call_that_is_not_on_record_makes_no_owner_unknown() -> None:
    scene = Scene()
    await scene.note()
    scene.journal.failing = True
    with pytest.raises(JournalError):
        await scene.note(action=UPDATE, status=403)
    assert scene.owners.seen(made())["known"]


@pytest.mark.parametrize(
    ("action", "status", "known"), [(UPDATE, 200, False), (PUT, None, False), (UPDATE, 403, True), (STOP, 200, True)]
)
async def test_nobody_is_called_owner_while_a_later_call_is_put_on_record(
    action: str, status: int | None, known: bool
) -> None:
    """Its answer may have gone out, and a start be judged meanwhile."""
    scene = Scene()
    await scene.note(AUTH)
    assert scene.owners.seen(made())["known"]
    seen: list[Mapping[str, Any]] = []

    class Looking(Records):
        async def append(self, entry: Mapping[str, Any]) -> None:
            seen.append(scene.owners.seen(made()))
            await super().append(entry)

    scene.journal = Looking()
    await scene.note(AUTH, action=action, status=status)
    assert [one["known"] for one in seen] == [known]
    assert known or seen[0]["why"] == NOT_YET
    assert scene.owners.seen(made()).get("why") != NOT_YET


async def test_two_calls_that_are_put_on_record_at_once_are_waited_for_both() -> None:
    scene = Scene()
    await scene.note(AUTH)
    with scene.owners.unsure_of(made().id):
        await scene.note(AUTH)
        assert scene.owners.seen(made()) == {"known": False, "why": NOT_YET}
    assert scene.owners.seen(made()).get("why") != NOT_YET


async def test_a_gap_is_recorded_and_counts_at_once() -> None:
    scene = Scene()
    await scene.note()
    await scene.observer.gap(Gap(calls={UPDATE: 1}, since_ms=15, until_ms=30, why="down"))
    assert scene.journal.entries[-1]["startgate"]["observed"]["missed"]["count"] == 1
    assert scene.owners.seen(made()) == {"known": False, "why": MISSED}
    scene.journal.failing = True
    with pytest.raises(JournalError):
        await scene.observer.gap(Gap(calls={UPDATE: 1}, since_ms=15, until_ms=30, why="down"))


@pytest.mark.parametrize(
    ("target", "id"),
    [
        (JOB, "outliers"),
        (JOB + "/_update?a=/b", "outliers"),
        (JOB + "///", "outliers"),
        (JOB + "#x", "outliers"),
        ("/_ml/data_frame/analytics/a%2Fb", "a/b"),
        ("/_ml/data_frame/analytics/%zz/_stop", "%zz"),
        ("/_ml/data_frame/analytics/\xc3\xa9", "é"),
        ("/_ml/data_frame/analytics//_stop", ""),
        ("/", ""),
    ],
)
def test_the_id_in_a_target(target: str, id: str) -> None:
    assert job_id_of(target) == id
