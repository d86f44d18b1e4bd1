"""The schema of rule files agrees with their reader."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.load import CASES_SUFFIX
from proxy.rules.schema import RoleFiles, compile_rules
from proxy.rules.source import read
from proxy.schemas.rules import rules_schema
from tests.rules.texts import RICH, defined

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path for path in (ROOT / "rules").glob("*.yml") if not path.name.endswith(CASES_SUFFIX))
VALIDATOR = jsonschema.Draft202012Validator(rules_schema())
SIGNED = {"id": "i", "from": "2026-11-24T22:00:00Z", "until": "2026-11-24T23:00:00Z", "users": ["a"], "jobs": ["b"]}
WHOLE: dict[str, Any] = {
    **yaml.safe_load(RICH),
    "break_glass": [{**SIGNED, "reason": "r", "signed_by": "k", "signature": "s"}],
}


def read_by_us(document: Any) -> bool:
    """Whether the reader takes a document."""
    root, faults = read(yaml.safe_dump(document, sort_keys=False), "a.yml")
    if root is None or faults:
        return False
    files = RoleFiles(names=("roles.yml",), roles=defined())
    return compile_rules({"a.yml": root}, role_files=files, draft=True)[0] is not None


def nodes(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all nodes, the root included."""
    yield at
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield from nodes(value, (*at, key))


def changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a path."""
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = changed(copy[path[0]], path[1:], value)
    return copy


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    """The node at a path."""
    for piece in path:
        tree = tree[piece]
    return tree


NODES = list(nodes(WHOLE))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_ships_fits_and_names_its_schema(path: Path) -> None:
    text = path.read_text()
    VALIDATOR.validate(yaml.safe_load(text))
    first = text.splitlines()[0]
    assert first == "# yaml-language-server: $schema=rules.schema.json"
    assert (path.parent / first.partition("$schema=")[2]).is_file()


def test_both_take_a_file_with_every_key() -> None:
    VALIDATOR.validate(WHOLE)
    assert read_by_us(WHOLE)


@pytest.mark.parametrize("path", [path for path in NODES if isinstance(at(WHOLE, path), dict)], ids=str)
def test_both_refuse_a_key_that_they_do_not_know(path: tuple[Any, ...]) -> None:
    if path[-1:] == ("settings",) or path[-2:-1] == ("settings",):
        pytest.skip("there the keys are the writer's own")
    document = changed(WHOLE, path, {**at(WHOLE, path), "unheard_of": "x"})
    assert not VALIDATOR.is_valid(document)
    assert not read_by_us(document)


@pytest.mark.parametrize("path", NODES, ids=str)
@pytest.mark.parametrize("value", [None, {}, {"a": "b"}, [[]], 7, "  "], ids=repr)
def test_both_refuse_a_value_of_another_kind(path: tuple[Any, ...], value: Any) -> None:
    document = changed(WHOLE, path, value)
    if not VALIDATOR.is_valid(document):
        assert not read_by_us(document)
    elif "settings" not in path:
        # What fits the schema and is refused all the same must be a matter of meaning: here, that something is gone.
        assert value in ({}, 7) or path == ("start_data_frame_analytics", "trusted_intermediaries", 0)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", " ", "a", "read", "data", "enforce", "1"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["id", "from", "read", "x"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@given(st.sampled_from(NODES), VALUES)
def test_whatever_the_reader_takes_fits_the_schema(path: tuple[Any, ...], value: Any) -> None:
    document = changed(WHOLE, path, value)
    if read_by_us(document):
        VALIDATOR.validate(document)
