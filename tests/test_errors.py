"""The error tree: what an operator reads, what a client reads."""

import pytest

from proxy.errors import (
    REASON_CHARS,
    CannotServe,
    ClusterUnreachable,
    ConfigError,
    ExitStatus,
    Fault,
    InvalidInput,
    JournalError,
    PassedOn,
    PlainRefusal,
    Refusal,
    RulesError,
    StartgateError,
    error_body,
    nearest,
)


@pytest.mark.parametrize(
    "kind",
    [
        Refusal,
        PlainRefusal,
        PassedOn,
        InvalidInput,
        ConfigError,
        RulesError,
        ClusterUnreachable,
        JournalError,
        CannotServe,
    ],
)
def test_every_error_is_of_the_tree(kind: type[Exception]) -> None:
    assert issubclass(kind, StartgateError)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("startgate.yml", "too big", 3, 9), "startgate.yml:3:9: too big"),
        (Fault("STARTGATE_WORKERS", "too big"), "STARTGATE_WORKERS: too big"),
        (Fault("a.yml", "odd", 0, 7), "a.yml: odd"),
    ],
)
def test_fault_says_where(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_faults_come_in_order_of_file_line_and_column() -> None:
    late, early = Fault("b.yml", "4", 1, 1), Fault("a.yml", "1", 2, 3)
    middle, next_line = Fault("a.yml", "2", 2, 10), Fault("a.yml", "3", 10, 1)
    error = ConfigError([late, next_line, middle, early])
    assert error.faults == (early, middle, next_line, late)
    assert str(error).splitlines() == ["a.yml:2:3: 1", "a.yml:2:10: 2", "a.yml:10:1: 3", "b.yml:1:1: 4"]


def test_refusal_has_the_shape_of_elasticsearch() -> None:
    refusal = Refusal(403, "security_exception", "no", headers=[("Warning", "299 - x")])
    assert refusal.body() == {
        "error": {
            "root_cause": [{"type": "security_exception", "reason": "no"}],
            "type": "security_exception",
            "reason": "no",
        },
        "status": 403,
    }
    assert refusal.headers == (("Warning", "299 - x"),)
    assert str(refusal) == "no"


@pytest.mark.parametrize(("length", "told"), [(0, 0), (REASON_CHARS, REASON_CHARS), (REASON_CHARS + 1, REASON_CHARS)])
def test_a_reason_is_bounded_and_says_so(length: int, told: int) -> None:
    reason = Refusal(403, "security_exception", "x" * length).reason
    assert reason.count("x") == told
    assert reason[told:] == ("" if length == told else f"…[{length} characters]")


def test_cause_stands_beside_the_reason_and_not_in_the_root_cause() -> None:
    cause = {"type": "resource_already_exists_exception", "reason": "there"}
    body = error_body(409, "status_exception", "started", caused_by=cause)
    assert body["error"]["caused_by"] == cause
    assert "caused_by" not in body["error"]["root_cause"][0]
    assert Refusal(409, "status_exception", "started", caused_by=cause).body() == body


def test_a_plain_refusal_has_the_older_shape() -> None:
    assert PlainRefusal(406, "", "Content-Type header is missing").body() == {
        "error": "Content-Type header is missing",
        "status": 406,
    }


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        ({"error": {"type": "security_exception", "reason": "no"}, "status": 403}, "security_exception", "no"),
        ({"error": "no handler", "status": 400}, "exception", "no handler"),
    ],
)
def test_what_the_cluster_said_is_passed_on_as_it_is(content: dict[str, object], kind: str, reason: str) -> None:
    refusal = PassedOn(403, content, headers=[("WWW-Authenticate", "Basic")])
    assert (refusal.type, refusal.reason) == (kind, reason)
    assert refusal.body() == content
    assert refusal.headers == (("WWW-Authenticate", "Basic"),)


def test_a_process_ends_with_its_status() -> None:
    assert CannotServe(ExitStatus.ADDRESS, "taken").exit_status == 4
    assert str(CannotServe(ExitStatus.ADDRESS, "taken")) == "taken"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("worker", " (did you mean 'workers'?)"),
        ("liste", " (did you mean 'listen'?)"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_nearest_spelling(word: str, hint: str) -> None:
    assert nearest(word, ["workers", "listen"]) == hint
