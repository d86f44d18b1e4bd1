"""An explanation in words."""

from typing import Any

from proxy.planned.ask import Told
from proxy.planned.explained import OWNER, lines

RULES = {"revision": "abc", "authority": "both"}


def printed(status: int = 200, **content: Any) -> list[str]:
    base: dict[str, Any] = {"allowed": True, "reasons": [], "steps": [], "rules": RULES, "exception": None}
    told = Told(status=status, content=base | content if status == 200 else content)
    return [line.plain for line in lines("flights", told)]


def test_the_answer_comes_first_and_the_rules_last() -> None:
    assert printed() == [
        "a start of flights would be allowed",
        "",
        "decided by rules abc, authority both",
    ]
    assert printed(allowed=False, reasons=[{}])[0] == "a start of flights would be denied: 1 thing speaks against it"
    assert printed(allowed=False, reasons=[{}] * 2)[0].endswith("2 things speak against it")
    passed = printed(reasons=[{}], exception={"id": "fire"})
    assert passed[0] == "a start of flights would be let pass by the break-glass exception fire alone"


def test_steps_stand_under_their_kinds_with_what_was_seen() -> None:
    steps = [
        {"kind": "identity", "outcome": "passed", "text": "the caller is [bob]", "seen": {"username": "bob"}},
        {"kind": "requirement", "outcome": "denied", "text": "the caller lacks [read]", "rule": "r.yml:5"},
        {"kind": "requirement", "outcome": "unknown", "text": "not known", "rule": "r.yml:6"},
        {
            "kind": "guard",
            "outcome": "shadow_denied",
            "text": "the guard [g] denies it",
            "rule": "r.yml:9",
            "seen": {"job.id": "flights", "job.source.index": ["x" * 300]},
        },
        {"kind": "later", "outcome": "later", "text": "of a newer version"},
    ]
    told = printed(steps=steps)
    assert told[2:13] == [
        "who",
        "  ok      the caller is [bob]",
        "",
        "privileges",
        "  DENIED  the caller lacks [read]  (r.yml:5)",
        "  UNKNOWN not known  (r.yml:6)",
        "",
        "guards",
        "  shadow  the guard [g] denies it  (r.yml:9)",
        '          job.id = "flights"',
        '          job.source.index = ["' + "x" * 198 + "…",
    ]
    assert "  later   of a newer version" in told


def test_what_comes_from_others_cannot_write_to_the_terminal() -> None:
    steps = [{"kind": "guard", "outcome": "passed", "text": "a\x1b[31m", "seen": {"a": "\x9b"}}]
    assert not any("\x1b" in line or "\x9b" in line for line in printed(steps=steps))


def test_a_refusal_says_why() -> None:
    assert printed(404, error={"reason": "No known job"}) == [
        "a start of flights is not explained",
        "  because No known job",
    ]
    assert printed(400, error="odd")[1] == "  because odd"
    assert printed(400)[1] == "  because no reason was given"


def test_what_the_owner_holds_is_told_where_they_are_not_asked() -> None:
    held = {"flights-1": {"read": True, "view_index_metadata": False}, "a\x1b": {"index": False}}
    assert printed(owner={"indices": held})[2:6] == [
        OWNER,
        "  holds   [read] on [flights-1]",
        "  lacks   [view_index_metadata] on [flights-1]",
        "  lacks   [index] on [a\\x1b]",
    ]
    unknown = printed(owner={"unknown": "the owner\x9b is not known"})
    assert unknown[2:4] == [OWNER, "  unknown the owner\\x9b is not known"]
    assert OWNER not in printed()
