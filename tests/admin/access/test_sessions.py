"""Sessions: bounded in number and time, and known by what nobody can guess."""

import pytest

from proxy.admin.access.proof import Proof, Way
from proxy.admin.access.sessions import Sessions
from proxy.admin.api import Role, Viewer
from proxy.settings import AdminLimits

PROOF = Proof(Way.TOKEN, "t" * 32)
LIMITS = AdminLimits(session_idle_s=30.0, session_total_s=100.0, sessions=5, sessions_per_user=2)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(LIMITS, clock)


def viewer(name: str = "ann", realm: str = "native1") -> Viewer:
    return Viewer(name=name, realm=realm, role=Role.READ)


def test_an_id_is_found_and_kept_nowhere(sessions: Sessions) -> None:
    id, session = sessions.begin(viewer(), PROOF)
    assert len(id) >= 43, "256 bits"
    assert sessions.find(id) is session
    assert sessions.find(id[:-1]) is None
    assert sessions.find("") is None
    assert id not in repr(vars(sessions)) + repr(session)
    assert session.viewer.csrf not in ("", id)


def test_each_is_another(sessions: Sessions) -> None:
    made = [sessions.begin(viewer(str(number)), PROOF) for number in range(5)]
    assert len({id for id, _ in made}) == len({session.viewer.csrf for _, session in made}) == 5


def test_one_that_is_not_used_ends(sessions: Sessions, clock: Clock) -> None:
    id, _ = sessions.begin(viewer(), PROOF)
    for _ in range(3):
        clock.now_s += 29
        assert sessions.find(id) is not None
    clock.now_s += 30
    assert sessions.find(id) is None
    assert len(sessions) == 0


def test_to_be_looked_at_is_no_use(sessions: Sessions, clock: Clock) -> None:
    id, session = sessions.begin(viewer(), PROOF)
    clock.now_s += 29
    assert sessions.seen(id) is session
    assert sessions.peek(session.viewer.session) is session
    clock.now_s += 1
    assert sessions.seen(id) is None


def test_one_ends_however_it_is_used(sessions: Sessions, clock: Clock) -> None:
    id, _ = sessions.begin(viewer(), PROOF)
    for _ in range(9):
        clock.now_s += 11
        assert sessions.find(id) is not None
    clock.now_s += 11
    assert sessions.find(id) is None


def test_one_that_is_ended_is_over(sessions: Sessions) -> None:
    id, session = sessions.begin(viewer(), PROOF)
    assert sessions.end(session.viewer.session)
    assert sessions.find(id) is None
    assert not sessions.end(session.viewer.session)


def test_a_user_has_so_many(sessions: Sessions, caplog: pytest.LogCaptureFixture) -> None:
    first, _ = sessions.begin(viewer(), PROOF)
    other, _ = sessions.begin(viewer("bob"), PROOF)
    second, _ = sessions.begin(viewer(), PROOF)
    assert sessions.find(first) is not None, "now the second is the one that was quiet for longer"
    third, _ = sessions.begin(viewer(), PROOF)
    same_name, _ = sessions.begin(viewer("ann", "ldap1"), PROOF)
    found = {name: sessions.find(id) is not None for name, id in locals().items() if isinstance(id, str)}
    assert found == {"first": True, "other": True, "second": False, "third": True, "same_name": True}
    assert "a session of ann ends for a new one" in caplog.text


def test_there_are_never_more_than_may_be(sessions: Sessions, caplog: pytest.LogCaptureFixture) -> None:
    made = [sessions.begin(viewer(str(number)), PROOF)[0] for number in range(10_000)]
    assert len(sessions) == 5
    assert [sessions.find(id) is not None for id in made[-6:]] == [False, True, True, True, True, True]
    assert "all 5 are taken" in caplog.text


def test_those_that_are_over_make_room_first(
    sessions: Sessions, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        sessions.begin(viewer(str(number)), PROOF)
    clock.now_s += 30
    sessions.begin(viewer(), PROOF)
    assert len(sessions) == 1
    assert caplog.text == ""
