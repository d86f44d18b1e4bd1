"""`startgate schema`."""

import json

import pytest

from proxy.schemas.registry import SCHEMAS, schema_text
from tests.commands.running import invoke


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_printed_as_it_ships(name: str) -> None:
    result = invoke("schema", name)
    assert (result.exit_code, result.output) == (0, schema_text(name))
    assert json.loads(result.output)["title"]


def test_the_api_is_described() -> None:
    told = json.loads(invoke("schema", "api").output)
    assert told["openapi"] == "3.1.0"
    assert "/v1/starts" in told["paths"]


def test_that_of_rules_where_none_is_named() -> None:
    assert invoke("schema").output == schema_text("rules")
    assert "'rule' is not one of" in invoke("schema", "rule").output
