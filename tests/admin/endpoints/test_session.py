"""`/v1/session`: one thing is shown, and nothing of it is told."""

import pytest

from proxy.admin.access.proof import Way
from proxy.admin.api import ApiError, Role, Viewer
from proxy.admin.endpoints.session import SignIn, shown, told


def test_what_is_shown_is_one_thing() -> None:
    assert shown(SignIn(username="ann", password="x")).secret.startswith("Basic ")
    assert shown(SignIn(api_key="id:key")).secret.startswith("ApiKey ")
    assert (shown(SignIn(token=" abc ")).way, shown(SignIn(token=" abc ")).secret) == (Way.TOKEN, "abc")


@pytest.mark.parametrize(
    "given",
    [
        SignIn(),
        SignIn(username="ann"),
        SignIn(password="x"),
        SignIn(username="ann", password="x", token="t"),
        SignIn(api_key="id:key", token="t"),
    ],
)
def test_nothing_and_two_things_are_refused(given: SignIn) -> None:
    with pytest.raises(ApiError) as caught:
        shown(given)
    assert caught.value.status == 400


def test_no_log_line_holds_what_is_shown() -> None:
    assert "secret" not in repr(SignIn(username="ann", password="secret", api_key="secret", token="secret"))


def test_a_viewer_is_told_without_what_the_cluster_knows_them_by() -> None:
    session = told(Viewer(name="ann", realm="native1", role=Role.READ, authorization="Basic x", csrf="c", session="s"))
    assert (session.name, session.realm, session.role, session.csrf) == ("ann", "native1", "read", "c")
    assert "Basic x" not in repr(session)
