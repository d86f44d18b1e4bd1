"""The schema of the configuration."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from proxy.config import load
from proxy.config.keys import KEYS
from proxy.errors import ConfigError
from proxy.schemas.config import config_schema

ROOT = Path(__file__).parents[2]


def accepted(document: Any) -> bool:
    """Whether the schema takes it."""
    return jsonschema.Draft202012Validator(config_schema()).is_valid(document)


def test_the_example_fits() -> None:
    assert accepted(yaml.safe_load((ROOT / "startgate.example.yml").read_text()))


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_in_it_with_its_meaning(key: str) -> None:
    level: Any = config_schema()
    for piece in key.split("."):
        level = level.get("anyOf", [level])[0]["properties"][piece]
    assert level["description"] == KEYS[key]


@pytest.mark.parametrize(
    "document",
    [
        {"listne": "a"},
        {"workers": 0},
        {"workers": "x"},
        {"cluster": {"node": []}},
        {"cluster": {"tls": {"verify": "maybe"}}},
        {"limits": {"edge": {"headers": 0}}},
        {"limits": {"gate": {"drain_s": 0}}},
        [],
    ],
)
def test_what_it_refuses_the_reader_refuses_too(document: Any, tmp_path: Path) -> None:
    assert not accepted(document)
    file = tmp_path / "startgate.yml"
    file.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError):
        load(file, {})


def test_a_section_may_be_empty() -> None:
    assert accepted({"cluster": None, "limits": {"edge": None}})
