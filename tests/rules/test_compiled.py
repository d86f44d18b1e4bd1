"""Compiled rules as values."""

from dataclasses import FrozenInstanceError, replace

import pytest

from proxy.privileges import Role
from proxy.rules.cel import compile_condition
from proxy.rules.compiled import (
    BreakGlass,
    CreateAs,
    DefinedRole,
    Flow,
    Guard,
    Mode,
    OnRefusedStart,
    Origin,
    RoleMapping,
    Rules,
    SubjectKind,
    Trusted,
)
from tests.rules.samples import required, rules

AT = Origin("r", 1)


def mapping(users: tuple[str, ...] | None = None, realms: tuple[str, ...] | None = None, *grants: str) -> RoleMapping:
    """Who has some roles."""
    return RoleMapping(grants=grants or ("a", "b"), users=users, roles=None, realms=realms, api_keys=None, origin=AT)


def exception(name: str, *users: str) -> BreakGlass:
    """An exception for these users."""
    told = {"reason": "r", "signed_by": "k", "signature": "s"}
    return BreakGlass(id=name, from_ms=10, until_ms=20, users=users, jobs=("j",), origin=AT, **told)


def guard(name: str, deny: str) -> Guard:
    """A guard with this condition."""
    return Guard(id=name, mode=Mode.ENFORCE, deny=deny, program=compile_condition(deny), message="m", origin=AT)


def flow(sources: tuple[str, ...], *destinations: str) -> Flow:
    """One flow."""
    return Flow(sources=sources, destinations=destinations, origin=AT)


def all_of(turned: int = 1) -> Rules:
    """Rules with two or more of everything; with -1 all that has no order is the other way round."""
    mappings = (mapping(("u", "v")[::turned]), mapping(None, ("r",), *("x", "y")[::turned]))
    roles = {name: DefinedRole(Role(name=name, cluster=("all",)), AT) for name in ("one", "two")[::turned]}
    flows = (flow(("a", "b")[::turned], "c"), flow(("d",), *("e", "f")[::turned]))
    return replace(
        rules(),
        cluster=required(*("manage_ml", "all")[::turned]),
        destination=required(*("read", "all")[::turned]),
        subjects=(SubjectKind.OWNER, SubjectKind.DATA)[::turned],
        trusted=(Trusted("a", "b", AT), Trusted("b", "c", AT))[::turned],
        flows=flows[::turned],
        guards=(guard("one", "now == now"), guard("two", "true"))[::turned],
        roles=roles,
        role_files=("a.yml", "b.yml")[::turned],
        role_mappings=mappings[::turned],
        break_glass=(exception("one", "u"), exception("two", "u"))[::turned],
    )


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


def test_the_order_of_what_has_none_does_not_count() -> None:
    one, other = all_of(), all_of(-1)
    assert one != other
    assert (one.revision, one.seal) == (other.revision, other.seal)


@pytest.mark.parametrize(
    "other",
    [
        replace(all_of(), role_mappings=()),
        replace(all_of(), role_mappings=(mapping(("u", "v")), mapping(("r",), None, "x", "y"))),
        replace(all_of(), role_mappings=(mapping(("u",)), mapping(None, ("r",), "x", "y"))),
        replace(all_of(), role_mappings=(mapping(()), mapping(None, ("r",), "x", "y"))),
        replace(all_of(), role_files=("a.yml",)),
        replace(all_of(), trusted=(Trusted("a", "b", AT, "file"), Trusted("b", "c", AT))),
        replace(all_of(), guards=(guard("one", "now == now"), guard("two", "false"))),
        replace(all_of(), flows=None),
        replace(all_of(), flows=(flow(("a",), "c"), flow(("d",), "e", "f"))),
    ],
)
def test_the_seal_is_of_all_that_decides(other: Rules) -> None:
    assert other.seal != all_of().seal
    assert other.revision != all_of().revision


def test_the_seal_tells_types_of_a_realm_apart() -> None:
    one, other = (replace(rules(), trusted=(Trusted("a", "b", AT, kind),)) for kind in ("file", "native"))
    assert one.seal != other.seal


@pytest.mark.parametrize(
    "other",
    [
        replace(all_of(), roles={}),
        replace(all_of(), roles={"one": DefinedRole(Role(name="one", cluster=("monitor",)), AT)}),
        replace(all_of(), break_glass=()),
        replace(all_of(), break_glass=(exception("one", "u"), exception("two", "v"))),
    ],
)
def test_the_seal_is_not_of_roles_and_exceptions_but_the_revision_is(other: Rules) -> None:
    assert other.seal == all_of().seal
    assert other.revision != all_of().revision


def test_an_exception_counts_from_its_beginning_until_before_its_end() -> None:
    names = {"id": "i", "users": ("a",), "jobs": ("b",), "reason": "r", "signed_by": "k", "signature": "s"}
    one = BreakGlass(from_ms=10, until_ms=20, origin=Origin("r", 1), **names)  # type: ignore[arg-type] # texts and lists
    assert [one.in_force(now_ms) for now_ms in (9, 10, 19, 20)] == [False, True, True, False]


def test_what_rules_need_to_know() -> None:
    assert not rules().needs_running
    assert not rules().needs_resolution
    assert replace(rules(), flows=()).needs_resolution


@pytest.mark.parametrize(
    ("condition", "resolution", "running"),
    [
        ("now == now", False, False),
        ('"a" in job.source.resolved', True, False),
        ("destination.exists", True, False),
        ("running.size() > 1", False, True),
    ],
)
def test_what_guards_need_to_know(condition: str, resolution: bool, running: bool) -> None:
    with_guards = replace(rules(), guards=(guard("quiet", "true"), guard("one", condition)))
    assert (with_guards.needs_resolution, with_guards.needs_running) == (resolution, running)
