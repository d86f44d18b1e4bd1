"""The description of the API is made from what is served, and is one."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.admin.openapi import document
from proxy.admin.surface import described
from tests.admin.test_dispatch import endpoint
from tests.admin.visiting import visiting


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """The document of everything that is served."""
    made: dict[str, Any] = json.loads(json.dumps(described()))
    return made


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for each in value.values() for one in references(each)]
    return [one for each in value for one in references(each)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere(whole: dict[str, Any]) -> None:
    names = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert set(references(whole)) <= names


def test_every_call_is_described(whole: dict[str, Any]) -> None:
    ids = [one["operationId"] for methods in whole["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids)) >= 15
    for path, methods in whole["paths"].items():
        for one in methods.values():
            assert one["summary"].endswith(".")
            parts = {part["name"] for part in one["parameters"] if part["in"] == "path"}
            assert {f"{{{name}}}" for name in parts} == {piece for piece in path.split("/") if piece.startswith("{")}
            assert {"200", "400", "401", "403", "421", "429", "500", "503"} <= set(one["responses"])


def test_parameters_say_what_they_take(whole: dict[str, Any]) -> None:
    listed = {one["name"]: one for one in whole["paths"]["/v1/starts"]["get"]["parameters"]}
    assert listed["size"]["schema"]["type"] == "integer"
    assert listed["size"]["schema"]["default"] == 50
    assert not listed["user"]["required"]


def test_pages_are_no_part_of_it(whole: dict[str, Any]) -> None:
    assert all(path.startswith("/v1/") for path in whole["paths"])
    assert document([endpoint(media_type="text/html")])["paths"] == {}


async def test_it_is_served_to_whoever_asks(tmp_path: Path, whole: dict[str, Any]) -> None:
    async with visiting(tmp_path) as visit:
        answer = await visit.ask("GET", "/v1/openapi.json")
    assert (answer.status, answer.content) == (200, whole)
