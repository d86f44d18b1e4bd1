"""The schema of files of cases."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from proxy.cases.read import CASE_KEYS, EXPECT_KEYS, FILE_KEYS, cases_of
from proxy.schemas.cases import cases_schema

ROOT = Path(__file__).parents[2]

VALID = """
version: 1
identities: {ada: {roles: [superuser]}}
jobs: {j: {source: {index: [a]}, dest: {index: b}, analysis: {regression: {}}}}
cases:
  - {name: one, caller: ada, job: j, expect: {verdict: denied}}
"""


def plain(text: str) -> Any:
    """As an editor reads it: moments are texts to YAML 1.2."""
    return json.loads(json.dumps(yaml.safe_load(text), default=lambda moment: moment.isoformat()))


@pytest.mark.parametrize("path", sorted((ROOT / "rules").rglob("*_test.yml")), ids=lambda path: path.name)
def test_what_ships_fits(path: Path) -> None:
    jsonschema.validate(plain(path.read_text()), cases_schema())


def test_keys_are_those_of_the_reader() -> None:
    schema = cases_schema()
    assert list(schema["properties"]) == list(FILE_KEYS)
    case = schema["properties"]["cases"]["items"]["properties"]
    assert list(case) == list(CASE_KEYS)
    assert list(case["expect"]["properties"]) == list(EXPECT_KEYS)
    assert not jsonschema.Draft202012Validator(schema).is_valid({"version": 1, "cases": [{"nmae": "x"}]})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("roles: [superuser]", "roles: superuser"),
        ("roles: [superuser]", "roles: [7]"),
        ("roles: [superuser]", "api_key: {name: k}"),
        ("roles: [superuser]", "run_as: often"),
        ("analysis: {regression: {}}", "analysis: {}"),
        ("analysis: {regression: {}}", "analysis: {regression: {}}, state: asleep"),
        ("analysis: {regression: {}}", "analysis: {regression: {}}, owner: {roles: [a], service_account: b}"),
        ("dest: {index: b}, ", ""),
        ("verdict: denied", "verdict: perhaps"),
        ("verdict: denied", "status: 200"),
        ("verdict: denied", "verdict: denied, status: 99"),
        ("verdict: denied", "verdict: denied, reasons: none"),
        ("job: j,", ""),
        ("job: j", "job: j, running: {id: x}"),
        ("job: j", "job: j, running: [{model_memory_limit_bytes: -1}]"),
        ("job: j", "job: j, now: 7"),
    ],
)
def test_what_the_reader_refuses_does_not_fit(old: str, new: str) -> None:
    assert old in VALID
    text = VALID.replace(old, new)
    jsonschema.validate(plain(VALID), cases_schema())
    assert cases_of(VALID, "a_test.yml")[1] == ()
    assert not jsonschema.Draft202012Validator(cases_schema()).is_valid(plain(text))
    assert cases_of(text, "a_test.yml")[1] != ()
