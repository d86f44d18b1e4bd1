"""Error bodies."""

from proxy.embedded.failure import Failure, Passed, Plain, bad_request, not_found, status_error


def test_the_cause_is_the_root_cause() -> None:
    inner = {"type": "inner_exception", "reason": "why"}
    body = Failure(409, "status_exception", "no", caused_by=inner).body()
    assert body == {
        "error": {"root_cause": [inner], "type": "status_exception", "reason": "no", "caused_by": inner},
        "status": 409,
    }


def test_extra_fields_are_in_both_places() -> None:
    error = Failure(401, "security_exception", "who", extra={"header": {"a": ["b"]}}).body()["error"]
    assert error["header"] == error["root_cause"][0]["header"] == {"a": ["b"]}


def test_errors_of_the_router_are_short() -> None:
    assert Plain(400, "no handler", told=False).body() == {"error": "no handler"}
    assert Plain(405, "wrong").body() == {"error": "wrong", "status": 405}


def test_what_is_passed_on_stays_as_it_is() -> None:
    answered = {"error": {"type": "t", "reason": "r", "index": "i"}, "status": 404}
    passed = Passed(404, answered)
    assert (passed.body(), passed.type, passed.reason) == (answered, "t", "r")
    assert Passed(400, {"error": "short"}).reason == "short"
    assert Passed(500, {"odd": 1}).reason == "{'odd': 1}"


def test_short_names() -> None:
    assert bad_request("x").type == "illegal_argument_exception"
    assert status_error("x", 409).status == 409
    assert not_found("x").body()["error"]["type"] == "resource_not_found_exception"
