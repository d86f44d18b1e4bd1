"""What endpoints have in common."""

import pytest

from proxy.embedded.backend import Call
from proxy.embedded.endpoint import Context, Endpoint, Reply
from proxy.embedded.failure import Failure
from proxy.embedded.request import Request
from proxy.embedded.security.authenticate import Caller
from proxy.embedded.security.guarded import Guarded
from proxy.embedded.security.identity import NATIVE, Subject
from tests.embedded.support import Asker

REQUEST = Request(Call(method="GET", target="/"), {})


async def nothing(_context: Context) -> Reply:
    return 200, {}


def test_without_security_all_is_seen_and_nothing_asked() -> None:
    world = Asker(secured=False).world
    assert world.seen_by(None) is world.backend
    context = Context(REQUEST, world, None)
    Endpoint(nothing, "cluster:monitor/main").authorise(context)
    with pytest.raises(Failure, match="no user"):
        _ = context.subject
    with pytest.raises(Failure, match="security is not enabled"):
        _ = context.security


def test_with_security_a_subject_sees_what_it_may() -> None:
    asker = Asker()
    bob = Subject(user=asker.store.add_user("bob", "secret", []), realm=NATIVE)
    assert isinstance(asker.world.seen_by(bob), Guarded)
    context = Context(REQUEST, asker.world, Caller(primary=bob))
    assert context.subject is bob
    assert context.security is asker.store
    Endpoint(nothing, None).authorise(context)
    with pytest.raises(Failure, match="unauthorized for user"):
        Endpoint(nothing, "cluster:monitor/main").authorise(context)
