"""Plans and explanations in one; those of a true gate are in the tests of `plan`."""

from typing import Any

import pytest

from proxy.admin.views.planned import Told, planned

IDENTITIES: list[dict[str, Any]] = [
    {
        "kind": "identity",
        "outcome": "passed",
        "text": "c",
        "subject": "caller",
        "seen": {"username": "ann", "realm": "r", "roles": ["a"], "authentication_type": "realm"},
    },
    {
        "kind": "identity",
        "outcome": "passed",
        "text": "s",
        "subject": "secondary",
        "seen": {"username": "bob", "realm": "q", "roles": []},
    },
    {
        "kind": "identity",
        "outcome": "passed",
        "text": "o",
        "subject": "owner",
        "seen": {"kind": "api_key", "roles": []},
    },
    {
        "kind": "identity",
        "outcome": "passed",
        "text": "d",
        "subject": "secondary",
        "seen": {"data": "secondary", "intermediary": False},
    },
]


def required(subject: str, privilege: str, outcome: str, index: str | None = None) -> dict[str, Any]:
    """A step about a privilege."""
    seen = {"privilege": privilege} | ({} if index is None else {"index": index})
    return {"kind": "requirement", "outcome": outcome, "text": "t", "subject": subject, "seen": seen, "rule": "r.yml:1"}


def explained(*steps: dict[str, Any], allowed: bool = False) -> Told:
    """An explanation."""
    return Told(status=200, content={"allowed": allowed, "steps": [*IDENTITIES, *steps]}, receipt="e")


def document(**parts: Any) -> Told:
    """A plan."""
    return Told(status=200, content={"problems": [], "conflicts": [], "verdict": {}} | parts, receipt="p")


def refused(status: int, error: Any) -> Told:
    """No document."""
    return Told(status=status, content={"error": error}, receipt="p")


def test_people_are_those_of_the_explanation_where_there_is_no_plan() -> None:
    found = planned("j", refused(403, {"reason": "no"}), explained())
    assert [(one.part, one.name, one.realm, one.roles, one.authentication) for one in found.who] == [
        ("caller", "ann", "r", ("a",), "realm"),
        ("secondary", "bob", "q", (), ""),
        ("owner", "", "", (), "api_key"),
    ]
    assert (found.status, found.reason, found.receipt) == (403, "no", "p")


def test_a_plan_tells_more_of_them() -> None:
    verdict = {
        "caller": {
            "name": "ann",
            "roles": ["a"],
            "realm": {"name": "r", "type": "native"},
            "authentication_type": "api_key",
            "api_key": {"id": "k", "name": "nightly"},
        },
        "owner": {"kind": "service_account", "service_account": "a/b", "api_key": {"id": "k2"}},
    }
    found = planned("j", document(verdict=verdict), explained(allowed=True))
    caller, secondary, owner = found.who
    assert (caller.name, caller.realm, caller.authentication, caller.api_key) == ("ann", "r", "api_key", "nightly")
    assert secondary.name == "bob"
    assert (owner.name, owner.authentication, owner.api_key) == ("a/b", "service_account", "k2")


def test_privileges_are_gathered_by_subject_and_place() -> None:
    steps = (
        required("caller", "manage_ml", "passed"),
        required("caller", "read", "passed", "a"),
        # What two answer is there twice, and held where both say so.
        required("caller", "read", "unknown", "a"),
        required("caller", "write", "denied", "a"),
        required("owner", "read", "passed", "a"),
        {"kind": "requirement", "outcome": "denied", "text": "no source", "subject": "owner"},
    )
    found = planned("j", refused(403, "no"), explained(*steps))
    assert [(one.subject, one.on, one.required, one.missing) for one in found.privileges] == [
        ("caller", "cluster", ("manage_ml",), ()),
        ("caller", "a", ("read", "write"), ("read", "write")),
        ("owner", "a", ("read",), ()),
    ]
    assert [one.held for one in found.judgements[4:]] == [True, True, False, False, True, False]


def test_problems_are_told_together_and_the_first_gives_the_status() -> None:
    problems = [{"status": 409, "reason": "running"}, {"status": 400, "reason": "clash"}]
    found = planned("j", document(problems=problems), explained(allowed=True))
    assert (found.status, found.reason, found.allowed) == (409, "running; clash", True)


def test_definitions_of_a_conflict_are_json() -> None:
    definitions = [{"index": "a", "value": {"type": "keyword"}}, {"index": "b", "value": "ü"}]
    conflict = {"field": "f", "text": "they differ", "definitions": definitions}
    (found,) = planned("j", document(conflicts=[conflict]), explained()).conflicts
    assert found.definitions == (("a", '{\n  "type": "keyword"\n}'), ("b", '"ü"'))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("plain", "plain"),
        ({"reason": "why"}, "why"),
        ({}, "it was answered with status 418"),
        (None, "it was answered with status 418"),
    ],
)
def test_errors_say_why_in_whatever_form(error: Any, reason: str) -> None:
    assert refused(418, error).reason == reason


def test_where_neither_is_told() -> None:
    found = planned("j", refused(403, "no"), refused(403, "no"))
    assert (found.allowed, found.who, found.privileges, found.judgements, found.plan) == (False, (), (), (), {})


def test_what_the_owner_holds_is_told_where_the_start_does_not_ask_them() -> None:
    told = explained(required("caller", "manage_ml", "passed"))
    beside = Told(status=200, content={**told.content, "owner": {"indices": {"a": {"read": False}}}}, receipt="e")
    found = planned("j", document(), beside).privileges
    assert [(one.subject, one.on, one.missing, one.asked) for one in found] == [
        ("caller", "cluster", (), True),
        ("owner", "a", ("read",), False),
    ]
    unknown = Told(status=200, content={**told.content, "owner": {"unknown": "no credential"}}, receipt="e")
    assert planned("j", document(), unknown).privileges[-1].unknown == "no credential"
