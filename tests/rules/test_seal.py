"""The seal: who needs one, whether it fits, and how it gets into a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.schema import compile_rules
from proxy.rules.seal import needs_seal, sealed
from proxy.rules.source import read
from tests.rules.samples import VALID


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
