"""Regular expressions that mean the same in every Python that Startgate runs on."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What stands for one of several characters repeats well.
CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
# The end of a group, and a possessive repetition of it.
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{[0-9,]+\})\+")


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """All literals of a module, with their lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            value = node.value
            yield node.lineno, value.decode("latin-1") if isinstance(value, bytes) else value


def repeats_a_group(text: str) -> bool:
    """Whether a pattern, or a part of one, has a possessive repetition of a group."""
    return POSSESSIVE_GROUP.search(CLASS.sub("x", text)) is not None


def test_no_group_is_repeated_possessively() -> None:
    """Before 3.11.5, such a repetition that fails halfway is not undone (python/cpython#106052)."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / "proxy").rglob("*.py"))
        for line, text in texts(path)
        if repeats_a_group(text)
    ]
    assert found == []


@pytest.mark.parametrize("text", [r"(?:a)*+", "(a){2,}+", r"([^\]]x)?+", "a|[(](b)++"])
def test_such_a_group_is_found(text: str) -> None:
    assert repeats_a_group(text)


@pytest.mark.parametrize("text", ["(?>(?:a)*)", "a*+", r"[()*+,\]]*+", r"\)*+", "(a)*"])
def test_what_repeats_well_is_let_be(text: str) -> None:
    assert not repeats_a_group(text)
