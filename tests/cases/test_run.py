"""Cases run through the gate's own flow."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.cases.model import Case, CaseFile, Expected, Wanted
from proxy.cases.run import Result, arrived, run_case, run_file
from proxy.rules import Rules, load
from tests.cases.samples import CASES, RULES, sample


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    (tmp_path / "rules.yml").write_text(RULES)
    return load(tmp_path)


async def ran(rules: Rules, text: str = CASES) -> tuple[Result, ...]:
    return await run_file(sample(text), rules)


async def test_the_sample_passes(rules: Rules) -> None:
    results = await ran(rules)
    assert [(result.case.name, result.differences) for result in results] == [
        ("ada may start", ()),
        ("bob may read nothing", ()),
    ]
    assert all(result.passed for result in results)
    assert [result.came.status for result in results if result.came] == [200, 403]


async def test_only_cases_of_a_name(rules: Rules) -> None:
    assert [result.case.name for result in await run_file(sample(), rules, "bob")] == ["bob may read nothing"]


async def played(rules: Rules, expected: Expected, **changes: object) -> Result:
    file: CaseFile = sample()
    case: Case = replace(file.cases[0], expected=expected, **changes)  # type: ignore[arg-type]  # a table's values
    return await run_case(file, case, rules)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        (
            Expected(verdict=Wanted.ALLOWED, status=409, error="already started"),
            {"cluster_status": 409, "cluster_error": "already started"},
        ),
        (Expected(verdict=Wanted.ALLOWED, status=200), {"caller": "key"}),
        (Expected(verdict=Wanted.ALLOWED, status=200), {"caller": "kibana_system"}),
        (Expected(verdict=Wanted.DENIED, status=403), {"caller": "kibana_system", "secondary": "bob"}),
        (Expected(verdict=Wanted.ALLOWED, status=200), {"caller": "bob", "secondary": "ada"}),
        (Expected(verdict=Wanted.ALLOWED, status=200), {"timeout": "5m"}),
    ],
)
async def test_who_is_judged(rules: Rules, expected: Expected, changes: dict[str, object]) -> None:
    assert (await played(rules, expected, **changes)).differences == ()


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"job": "other"}, 404, "No known job with id 'other'"),
        ({"caller": "guest"}, 403, "is unauthorized for user [guest]"),
        ({"timeout": "soon"}, 400, "failed to parse"),
    ],
)
async def test_a_start_that_is_never_judged(rules: Rules, changes: dict[str, object], status: int, told: str) -> None:
    result = await played(rules, Expected(verdict=Wanted.ALLOWED), **changes)
    assert result.came is not None
    assert (result.came.status, result.came.verdict) == (status, None)
    assert told in result.differences[0]


async def test_a_conflict_is_no_matter_of_privileges(rules: Rules) -> None:
    text = CASES.replace("source: {index: [flights]}", "source: {index: [flights, other]}").replace(
        "indices:\n  flights:", "indices:\n  other: {mappings: {properties: {distance: {type: text}}}}\n  flights:", 1
    )
    text = text.replace("{names: [flights], privileges", "{names: [flights, other], privileges")
    (result,) = await run_file(sample(text), rules, "ada")
    assert result.came is not None
    assert (result.came.status, result.came.verdict) == (400, Wanted.ALLOWED)
    assert "distance" in result.came.error


async def test_a_case_may_be_skipped_with_a_reason(rules: Rules) -> None:
    result = await played(rules, Expected(verdict=Wanted.DENIED), skip="not yet")
    assert (result.skipped, result.passed, result.came) == ("not yet", False, None)


async def test_a_case_that_fails_says_why(rules: Rules) -> None:
    result = await played(rules, Expected(verdict=Wanted.DENIED))
    assert not result.passed
    assert result.differences == ("verdict: expected denied, got allowed",)


def test_the_request_of_a_case() -> None:
    case: Case = replace(sample().cases[0], secondary="bob", headers=(("x-opaque-id", "o"),), timeout="5s", peer="p:1")
    found = arrived(case)
    assert found.target == "/_ml/data_frame/analytics/delays/_start?timeout=5s"
    assert found.header("authorization") == "Case ada"
    assert found.header("es-secondary-authorization") == "Case bob"
    assert (found.header("x-opaque-id"), found.peer) == ("o", "p:1")


async def test_steps_tell_which_rules_were_tried(rules: Rules) -> None:
    first, second = await run_file(sample(), rules, steps=True)
    assert {step["outcome"] for step in first.steps} == {"passed"}
    assert "denied" in {step["outcome"] for step in second.steps}
    assert [result.steps for result in await run_file(sample(), rules)] == [(), ()], "only where they are asked for"
