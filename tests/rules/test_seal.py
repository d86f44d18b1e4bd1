"""The seal: who needs one, whether it fits, and how it gets into a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.compiled import Rules
from proxy.rules.schema import RoleFiles, compile_rules
from proxy.rules.seal import holds_seal, needs_seal, sealed
from proxy.rules.source import read
from tests.rules.samples import VALID
from tests.rules.texts import RICH, defined, valid

ROOT = Path(__file__).parents[2]


def faults(text: str) -> list[str]:
    """What is wrong with a file."""
    root, found = read(text, "a.yml")
    assert root is not None
    assert not found
    return [str(fault) for fault in compile_rules({"a.yml": root})[1]]


def seal_of(text: str) -> str:
    """The seal that a file should have."""
    root, found = read(text, "a.yml")
    assert root is not None
    assert not found
    rules, wrong = compile_rules({"a.yml": root}, draft=True)
    assert rules is not None, wrong
    assert needs_seal(rules)
    return rules.seal


MORE = VALID + "  flows: [{from: [hr-*], to: [hr-ml-*]}]\n"


@pytest.mark.parametrize(
    "plain",
    [
        VALID,
        VALID + "  subjects: [data]\n  authority: cluster\n  guards: []\n",
        VALID + "  trusted_intermediaries: [elastic/kibana, kibana_system]\n",
        VALID + "  destination: {create_as: auto, on_refused_start: keep, settings: {a: {index.codec: b}}}\n",
    ],
)
def test_what_elasticsearch_documents_needs_none(plain: str) -> None:
    assert faults(plain) == []


@pytest.mark.parametrize(
    "more",
    [
        "  subjects: [owner]\n",
        "  subjects: [data, owner]\n",
        "  trusted_intermediaries: []\n",
        "  trusted_intermediaries: [kibana_system]\n",
        "  trusted_intermediaries: [{username: a, realm: b}]\n",
        "  destination: {create_as: caller}\n",
        "  flows: [{from: [a], to: [b]}]\n",
    ],
)
def test_whatever_else_is_checked_must_be_sealed(more: str) -> None:
    (fault,) = faults(VALID + more)
    assert fault.startswith("a.yml:1:1: `seal` is missing, and these rules check more or other things")
    assert faults(sealed(VALID + more, seal_of(VALID + more))) == []


def test_other_privileges_must_be_sealed() -> None:
    assert faults(VALID.replace("[manage_ml]", "[manage_ml, monitor]"))
    assert faults(VALID.replace("view_index_metadata", "manage"))


def test_a_seal_that_does_not_fit() -> None:
    wrong = "0" * 12 if seal_of(MORE) != "0" * 12 else "1" * 12
    (fault,) = faults(sealed(MORE, wrong))
    assert fault.startswith("a.yml:2:7: the seal does not fit: something was changed since the rules were sealed")
    assert fault.endswith(f"(seal: {seal_of(MORE)})")
    assert "takes text" in faults(sealed(MORE, "x").replace('"x"', "12"))[0]


def test_a_plain_file_may_have_one_which_must_fit() -> None:
    assert "does not fit" in faults(sealed(VALID, "0" * 12))[0]


def test_a_seal_must_be_a_text() -> None:
    assert "takes text" in faults(VALID.replace("version: 1\n", "version: 1\nseal: 123456789012\n"))[0]


@pytest.mark.parametrize(
    ("text", "expected"), [("seal: x\n", True), ("version: 1\n", False), ("a:\n  seal: x\n", False)]
)
def test_whether_a_text_holds_one(text: str, expected: bool) -> None:
    assert holds_seal(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\na: b\n", 'version: 1\nseal: "s"\na: b\n'),
        ("# c\nversion: 1 # d\na: b\n", '# c\nversion: 1 # d\nseal: "s"\na: b\n'),
        ("version: 1\nseal: x\na: b\n", 'version: 1\nseal: "s"\na: b\n'),
        ("version: 1\nseal: 'x'   # why\na: b\n", 'version: 1\nseal: "s"   # why\na: b\n'),
        ("version: 1\nseal:\n", 'version: 1\nseal: "s"\n'),
        ("version: 1\na:\n  seal: x\n", 'version: 1\nseal: "s"\na:\n  seal: x\n'),
        ("a: b\nversion: 1", 'a: b\nversion: 1\nseal: "s"\n'),
        ("a: b\n", 'seal: "s"\na: b\n'),
    ],
)
def test_a_seal_is_put_into_a_text(text: str, expected: str) -> None:
    assert sealed(text, "s") == expected


@given(st.from_regex(r"[0-9a-f]{12}", fullmatch=True))
def test_a_seal_stays_a_text(seal: str) -> None:
    root, found = read(sealed(VALID, seal), "a.yml")
    assert root is not None
    assert not found
    assert not [fault for fault in compile_rules({"a.yml": root})[1] if "takes text" in fault.message]


# Deny by default: nothing that happens to one node, line or character of a valid file makes a file that allows more.
# Rules that do not load allow nothing; those that do must decide as the whole ones.

SEALED = sealed(RICH, valid(RICH).seal)
SHIPPED = (ROOT / "rules" / "start.yml").read_text()
FILES = {"sealed": SEALED, "shipped": SHIPPED, "minimal": VALID}
TREES = {name: yaml.safe_load(text) for name, text in FILES.items()}


def loaded(text: str) -> Rules | None:
    """The rules of a text as they would come into force; None where it is refused."""
    root, faults = read(text, "a.yml")
    if root is None or faults:
        return None
    return compile_rules({"a.yml": root}, role_files=RoleFiles(names=_named(text), roles=defined()))[0]


def _named(text: str) -> tuple[str, ...]:
    """The role files that a text names, as far as it names any."""
    tree = yaml.safe_load(text)
    named = tree.get("roles") if isinstance(tree, dict) else None
    return tuple(one for one in named if isinstance(one, str)) if isinstance(named, list) else ()


def never_allows_more(text: str, original: str) -> bool:
    """Whether a spoilt text loads; asserts that it then checks all that the original does."""
    rules, whole = loaded(text), loaded(original)
    assert whole is not None
    if rules is None:
        return False
    assert rules.checks() == whole.checks()
    return True


def nodes(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all nodes below the root."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield (*at, key)
        yield from nodes(value, (*at, key))


def spoilt(tree: Any, path: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
    """A copy without the node at a path, or with `values[0]` in its place."""
    head, *rest = path
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    if rest:
        copy[head] = spoilt(copy[head], tuple(rest), values)
    elif values:
        copy[head] = values[0]
    else:
        del copy[head]
    return copy


PLACES = [(name, path) for name, tree in TREES.items() for path in nodes(tree)]


@pytest.mark.parametrize(("name", "path"), PLACES, ids=str)
def test_no_node_can_be_lost_so_that_more_is_allowed(name: str, path: tuple[Any, ...]) -> None:
    tree = spoilt(TREES[name], path, ())
    stays = never_allows_more(yaml.safe_dump(tree, sort_keys=False), FILES[name])
    # Each node of the sealed file counts: there, none goes without notice.
    assert not (name == "sealed" and stays)


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    """The node at a path."""
    for piece in path:
        tree = tree[piece]
    return tree


WORDS = ["none", "read", "all", "owner", "data", "cluster", "roles", "warn", "shadow", "auto", "kibana_system"]
ODD = ["", "*", "a", "elastic/kibana", "false", "job.id == 'x'", [], {}, ["*"], ["read"], "000000000000"]
JUNK = st.none() | st.booleans() | st.integers(-1, 9) | st.sampled_from(WORDS) | st.sampled_from(ODD)


@given(st.sampled_from(PLACES), JUNK | st.sampled_from(PLACES))
def test_no_node_can_be_spoilt_so_that_more_is_allowed(place: tuple[str, tuple[Any, ...]], value: Any) -> None:
    name, path = place
    if isinstance(value, tuple):
        value = at(TREES[value[0]], value[1])
    tree = spoilt(TREES[name], path, (value,))
    never_allows_more(yaml.safe_dump(tree, sort_keys=False), FILES[name])


@pytest.mark.parametrize("name", FILES)
def test_no_line_can_be_lost_so_that_more_is_allowed(name: str) -> None:
    lines = FILES[name].splitlines(keepends=True)
    for number in range(len(lines)):
        never_allows_more("".join(lines[:number] + lines[number + 1 :]), FILES[name])
        never_allows_more("".join(lines[:number]), FILES[name])


@given(st.sampled_from(list(FILES)), st.data())
def test_no_character_can_be_spoilt_so_that_more_is_allowed(name: str, data: st.DataObject) -> None:
    text = FILES[name]
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(["", "#", "*", "a", "\n", " ", "-", ":", "1"]))
    broken = text[:place] + other + text[place + 1 :]
    if read(broken, "a.yml")[0] is not None:
        never_allows_more(broken, text)
