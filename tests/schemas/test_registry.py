"""The files that ship are what the code makes."""

import json

import jsonschema
import pytest

from proxy.schemas.registry import DIALECT, SCHEMAS, schema_text, shipped_files


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_ships_is_what_the_code_makes(name: str) -> None:
    for file in shipped_files(name):
        told = f"write it anew: startgate schema {name} > {file.name}"
        assert file.read_text() == schema_text(name), told


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_valid(name: str) -> None:
    schema = json.loads(schema_text(name))
    assert schema["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)
