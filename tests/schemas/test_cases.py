"""The schema of files of cases."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from proxy.cases.read import CASE_KEYS, EXPECT_KEYS, FILE_KEYS
from proxy.schemas.cases import cases_schema

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "rules").rglob("*_test.yml")), ids=lambda path: path.name)
def test_what_ships_fits(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), cases_schema())


def test_keys_are_those_of_the_reader() -> None:
    schema = cases_schema()
    assert list(schema["properties"]) == list(FILE_KEYS)
    case = schema["properties"]["cases"]["items"]["properties"]
    assert list(case) == list(CASE_KEYS)
    assert list(case["expect"]["properties"]) == list(EXPECT_KEYS)
    assert not jsonschema.Draft202012Validator(schema).is_valid({"version": 1, "cases": [{"nmae": "x"}]})
