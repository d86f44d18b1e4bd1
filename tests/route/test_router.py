"""Every spelling that Elasticsearch itself routes to its start handler goes to the gate or nowhere."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.route import router
from proxy.route.router import PASS, Decision, route
from proxy.route.table import CALLS, DELETE, PUT, STOP, UPDATE, Route

START = b"/_ml/data_frame/analytics/x/_start"

# Spellings that reach the start handler of real nodes (7.17, 8.15, 9.1 with the route registered).
REACH = [
    START,
    START + b"?timeout=1m",
    START + b"?",
    START + b"/",
    START + b"///",
    START + b"/?a=/b",
    START + b"?x=%2e%2e",
    b"/_ml/data_frame/analytics//_start",
    b"/_ml/data_frame/analytics/../_start",
    b"/_ml/data_frame/analytics/./_start",
    b"/_ml/data_frame/analytics/x#/_start",
    b"/_ml/data_frame/analytics/#/_start",
    b"/_ml/data_frame/analytics/a%2Fb/_start",
    b"/_ml/data_frame/analytics/%zz/_start",
    b"/_ml/data_frame/analytics/%/_start",
    b"/_ml/data_frame/analytics/%2e%2e%2f%2e%2e/_start",
    b"/_ml/data_frame/analytics/_start/_start",
    b"/_ml/data_frame/analytics/_explain/_start",
    b"/_ml/data_frame/analytics/*/_start",
    b"/_ml/data_frame/analytics/a;b/_start",
    b"/_ml/data_frame/analytics/a\\b/_start",
]
# No slash in front: reaches it, too; a URL parser sees something else.
REACH_WITHOUT_SLASH = [target[1:] for target in REACH]
# Reaches it; no job has such an id, and the gate's HTTP parser reads ASCII alone.
REACH_BEYOND_ASCII = [
    b"/_ml/data_frame/analytics/\xc3\xa9/_start",
    b"/_ml/data_frame/analytics/\xff/_start",
    START + b"?a=\xff",
]
# Spellings that reach nothing, but could if anything in between normalised them.
RESEMBLE = [
    b"/" + START,
    START.replace(b"_ml", b"_ML"),
    START.replace(b"_ml", b"%5fml"),
    START.replace(b"_start", b"%5Fstart"),
    START.replace(b"_start", b"_START"),
    START.replace(b"data_frame", b"data%5Fframe"),
    START.replace(b"data_frame", b"data%255Fframe"),
    START.replace(b"/x/", b"/x//"),
    START.replace(b"/x/", b"/x/./"),
    START.replace(b"/x/", b"/x%2F"),
    START.replace(b"/analytics", b"/y/../analytics"),
    START.replace(b"/data_frame", b"//data_frame"),
    START.replace(b"/_ml", b"/./_ml"),
    START.replace(b"/", b"\\", 3).replace(b"\\", b"/", 1),
    START + b"#",
    START + b"#?x",
    # 9.1 ends the path at the hash and routes these to the start.
    START + b"#/x",
    START + b"/#/x?y",
    START + b"#x/../y",
    START + b"%23/x",
    START + b"%3F/x",
    START + b";a=b",
    START + b"%20",
    START + b"%2F",
    START + b"%3Ftimeout=1m",
    START + b"/.",
    START + b"/x/..",
]
ORDINARY = [
    b"/",
    b"/?pretty",
    b"/_search",
    b"/a%2Cb/_search?q=%2F",
    b"/_ml/data_frame/analytics",
    b"/_ml/data_frame/analytics/",
    b"/_ml/data_frame/analytics/x/_stats",
    b"/_ml/data_frame/analytics/x/_stop/y",
    b"//_ml/data_frame/analytics/x",
    b"/_ml/data_frame//analytics/x/_update",
    b"/%5fml/data_frame/analytics/x/_update",
    b"/_ML/data_frame/analytics/x/_stop",
    b"/_ml/data_frame/analytics/x/_stop%23",
    b"/_ml/data_frame/_preview",
    b"/_ml/datafeeds/x/_start",
    b"/_transform/x/_start",
    b"/_start",
    b"/_search?q=" + START,
    b"/a?b" + START,
    b"/%zz%",
]


@pytest.mark.parametrize("target", REACH)
def test_what_reaches_the_start_handler_goes_to_the_gate(target: bytes) -> None:
    assert route(b"POST", target) == Decision(Route.GATE)


@pytest.mark.parametrize(
    "target", [*REACH_WITHOUT_SLASH, b"http://h" + START, b"h:9200", b"", b"*", b"?", b"\\" + START]
)
@pytest.mark.parametrize("method", [b"POST", b"GET", b"post"])
def test_what_does_not_begin_with_a_slash_is_refused(method: bytes, target: bytes) -> None:
    decision = route(method, target)
    assert (decision.route, decision.status) == (Route.REFUSE, 400)
    assert "must begin with '/'" in decision.reason


@pytest.mark.parametrize("target", REACH_BEYOND_ASCII)
def test_a_start_that_is_not_ascii_is_refused(target: bytes) -> None:
    decision = route(b"POST", target)
    assert (decision.route, decision.status) == (Route.REFUSE, 400)
    assert "ASCII" in decision.reason


@pytest.mark.parametrize("target", RESEMBLE)
def test_what_resembles_a_start_is_refused(target: bytes) -> None:
    decision = route(b"POST", target)
    assert (decision.route, decision.status) == (Route.REFUSE, 400)
    assert decision.reason


def test_a_start_with_a_method_in_another_case_is_refused() -> None:
    for method in (b"post", b"Post", b"pOST"):
        assert route(method, START).route is Route.REFUSE


JOB = b"/_ml/data_frame/analytics/x"
# Spellings that reach the handlers of PUT and DELETE on real nodes; with a verb before the query, those of POST.
JOBS = [
    JOB,
    JOB + b"?",
    JOB + b"?timeout=1m",
    JOB + b"/",
    JOB + b"///?a=/b",
    b"/_ml/data_frame/analytics/a%2Fb",
    b"/_ml/data_frame/analytics/..",
    b"/_ml/data_frame/analytics/%zz",
    b"/_ml/data_frame/analytics/_explain",
    b"/_ml/data_frame/analytics/*",
    b"/_ml/data_frame/analytics/\xc3\xa9",
    # 9.1 ends the path at the hash; elsewhere it is part of an id that no job has.
    JOB + b"#y",
]
VERBS = {b"_update": UPDATE, b"_stop": STOP}


@pytest.mark.parametrize("target", JOBS)
@pytest.mark.parametrize(("method", "action"), [(b"PUT", PUT), (b"DELETE", DELETE)])
def test_what_makes_or_removes_a_job_is_observed(method: bytes, action: str, target: bytes) -> None:
    assert route(method, target) == Decision(Route.OBSERVE, action=action)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "target",
    [JOB + b"/V", JOB + b"/V//", JOB + b"/V?a=b", JOB + b"/V#", JOB + b"/V#/y", b"/_ml/data_frame/analytics//V",
     b"/_ml/data_frame/analytics/%2e%2E/V", b"/_ml/data_frame/analytics/a,b*/V", b"/_ml/data_frame/analytics/_all/V"],
)  # fmt: skip
def test_what_changes_or_stops_a_job_is_observed(verb: bytes, target: bytes) -> None:
    assert route(b"POST", target.replace(b"V", verb)) == Decision(Route.OBSERVE, action=VERBS[verb])


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"PATCH", b"put", b"Delete"])
def test_other_methods_on_a_job_pass(method: bytes) -> None:
    assert route(method, JOB) is PASS


@pytest.mark.parametrize(
    "target",
    [b"/_ml/data_frame/analytics/x%2F_start%23/_stop", b"/_ml/data_frame/analytics/x%2F_start%3F/_update"],
)
def test_an_observed_call_that_resembles_a_start_is_refused(target: bytes) -> None:
    assert route(b"POST", target).route is Route.REFUSE


@pytest.mark.parametrize("target", ORDINARY)
@pytest.mark.parametrize("method", [b"POST", b"GET", b"PUT", b"DELETE", b"HEAD"])
def test_ordinary_calls_pass(method: bytes, target: bytes) -> None:
    assert route(method, target) is PASS


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"POSTX"])
def test_other_methods_on_the_start_pass(method: bytes) -> None:
    assert route(method, START) is PASS


@pytest.mark.parametrize("target", [b"h:9200", b"/", START, b"*", b"http://h/"])
def test_tunnels_are_refused(target: bytes) -> None:
    decision = route(b"CONNECT", target)
    assert (decision.route, decision.status) == (Route.REFUSE, 501)


def test_the_asterisk_is_for_options() -> None:
    assert route(b"OPTIONS", b"*") is PASS
    assert route(b"OPTIONS", b"**").route is Route.REFUSE


def reaches_start(method: bytes, target: bytes) -> bool:
    """As 7.17 and 8.15, or as 9.1, where a hash ends the path, too."""
    path = target.split(b"?")[0]
    return reaches_by_path(method, path) or reaches_by_path(method, path.split(b"#")[0])


def reaches_by_path(method: bytes, path: bytes) -> bool:
    """Elasticsearch's router, written down independently: RestRequest.rawPath, then PathTrie, which strips trailing
    slashes as Java's split does; the missing leading slash is forgiven by transport-netty4."""
    if not path.startswith(b"/"):
        path = b"/" + path
    parts = path.split(b"/")
    while parts and not parts[-1]:
        parts.pop()
    return (
        method == b"POST"
        and len(parts) == 6
        and parts[:4] == [b"", b"_ml", b"data_frame", b"analytics"]
        and parts[5] == b"_start"
    )


PIECES = st.lists(
    st.sampled_from(
        [b"/", b"//", b"_ml", b"data_frame", b"analytics", b"x", b"", b"_start", b"?", b"#", b"%2F", b"%5f", b"..",
         b".", b"/_ml/data_frame/analytics/", b"/_start", b"_START", b";", b"\xff", START]
    ),
    max_size=9,
).map(b"".join)  # fmt: skip


@given(st.sampled_from([b"POST", b"GET", b"post"]), st.one_of(PIECES, st.binary(max_size=30)))
@example(b"POST", START[1:])
def test_nothing_that_reaches_the_start_handler_passes(method: bytes, target: bytes) -> None:
    """The invariant: what Elasticsearch routes to its start handler is GATE or REFUSE; `route` never raises."""
    decision = route(method, target)
    if reaches_start(method, target):
        assert decision.route in (Route.GATE, Route.REFUSE)
    if decision.route is Route.GATE:
        assert reaches_start(method, target)
    if decision.route is Route.REFUSE:
        assert decision.status in (400, 501)


def reaches_observed(method: bytes, target: bytes) -> bool:
    """As `reaches_start`, for the handlers of the observed calls; of targets that begin with a slash."""
    path = target.split(b"?")[0]
    return any(observed_by_path(method, one) for one in (path, path.split(b"#")[0]))


def observed_by_path(method: bytes, path: bytes) -> bool:
    parts = path.split(b"/")
    while parts and not parts[-1]:
        parts.pop()
    if parts[:4] != [b"", b"_ml", b"data_frame", b"analytics"]:
        return False
    if method == b"POST":
        return len(parts) == 6 and parts[5] in (b"_update", b"_stop")
    return method in (b"PUT", b"DELETE") and len(parts) == 5


OBSERVED_PIECES = st.lists(
    st.sampled_from(
        [b"/", b"_ml", b"data_frame", b"analytics", b"x", b"_stop", b"?", b"#", b"%2F", b"..", b"\xff", b"/_update",
         b"/_stop", b"/_START", b"/_ml/data_frame/analytics/", b"/_ml/data_frame/analytics/x", b"/_start"]
    ),
    max_size=7,
).map(lambda pieces: b"/" + b"".join(pieces).lstrip(b"/"))  # fmt: skip


@given(st.sampled_from([b"POST", b"PUT", b"DELETE", b"put", b"GET"]), OBSERVED_PIECES)
@example(b"PUT", JOB + b"#/y")
@example(b"POST", JOB + b"/_stop/#/_start")
def test_what_reaches_an_observed_handler_is_observed_and_nothing_else_is(method: bytes, target: bytes) -> None:
    decision = route(method, target)
    reaches = reaches_observed(method, target)
    if decision.route is Route.OBSERVE:
        assert reaches
        assert not reaches_start(method, target)
    if reaches:
        assert decision.route in (Route.OBSERVE, Route.REFUSE)
    if decision.route is Route.REFUSE:
        # For what it could be else, and never for being observed: those methods start nothing.
        assert method in (b"POST", b"post")


def test_no_start_is_ever_passed_as_a_call_to_be_observed() -> None:
    told = {call.action: router._OBSERVED[call.action].route for call in CALLS}
    assert told == {call.action: Route.OBSERVE if call.route is Route.OBSERVE else Route.REFUSE for call in CALLS}
