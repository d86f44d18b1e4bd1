"""Compiled rules as values."""

from dataclasses import FrozenInstanceError, replace

import pytest

from proxy.rules.compiled import BreakGlass, CreateAs, OnRefusedStart, Origin, SubjectKind, Trusted
from tests.rules.samples import required, rules


def test_an_origin_reads_as_editors_take_it() -> None:
    assert str(Origin("rules/start.yml", 14)) == "rules/start.yml:14"


def test_rules_never_change() -> None:
    with pytest.raises(FrozenInstanceError):
        rules().subjects = ()  # type: ignore[misc] # that is what is tested


def test_revision_is_of_the_meaning_not_of_the_place() -> None:
    one = rules()
    elsewhere = replace(one, files=("other.yml",), cluster=required("manage_ml", line=99), source=one.source[::-1])
    assert one.revision == elsewhere.revision
    assert len(one.revision) == 12


@pytest.mark.parametrize(
    "other",
    [
        replace(rules(), cluster=required("manage_ml", "monitor")),
        replace(rules(), source=required("read")),
        replace(rules(), destination=required("all")),
        replace(rules(), subjects=(SubjectKind.OWNER,)),
        replace(rules(), trusted=()),
        replace(rules(), trusted=(Trusted("a", "b", Origin("r", 1)),)),
        replace(rules(), create_as=CreateAs.CALLER),
        replace(rules(), on_refused_start=OnRefusedStart.KEEP),
    ],
)
def test_revision_tells_every_difference(other: object) -> None:
    assert other != rules()
    assert getattr(other, "revision") != rules().revision  # noqa: B009 - a table of rules, typed loosely


def test_an_exception_counts_from_its_beginning_until_before_its_end() -> None:
    names = {"id": "i", "users": ("a",), "jobs": ("b",), "reason": "r", "signed_by": "k", "signature": "s"}
    one = BreakGlass(from_ms=10, until_ms=20, origin=Origin("r", 1), **names)  # type: ignore[arg-type] # texts and lists
    assert [one.in_force(now_ms) for now_ms in (9, 10, 19, 20)] == [False, True, True, False]


def test_what_rules_need_to_know() -> None:
    assert not rules().needs_running
    assert not rules().needs_resolution
    assert replace(rules(), flows=()).needs_resolution
