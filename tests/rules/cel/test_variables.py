"""The table of what a condition may look at and call."""

import re
from pathlib import Path

import pytest

from proxy.rules.cel import compile_condition
from proxy.rules.cel.variables import CONSTANTS, FUNCTIONS, MACROS, VARIABLES, Kind, Variable, kinds

GUIDE = Path(__file__).parents[3] / "docs" / "guards.md"
# A condition about a value of that type.
ABOUT = {
    Kind.STRING: '{} == "a"',
    Kind.INT: "{} > 1",
    Kind.DOUBLE: "{} > 1.0",
    Kind.BOOL: "{}",
    Kind.TIMESTAMP: "{}.getHours() == 1",
    Kind.STRINGS: '"a" in {}',
    Kind.DYN: "{}.a == 1",
    Kind.RECORD: "{0} == {0}",
    Kind.RECORDS: "{}.size() == 1",
}
NAMED = {
    "has": "has(job.config.a)",
    "exists": "[1].exists(x, x > 0)",
    "all": "[1].all(x, x > 0)",
    "exists_one": "[1].exists_one(x, x > 0)",
    "filter": "[1].filter(x, x > 0) == [1]",
    "map": "[1].map(x, x + 1) == [2]",
    "size": '"a".size() == size([1])',
    "startsWith": 'job.id.startsWith("a")',
    "endsWith": 'job.id.endsWith("a")',
    "contains": 'job.id.contains("a")',
    "matches": 'job.id.matches("^a")',
    "int": 'int("1") == 1',
    "double": "double(1) == 1.0",
    "string": 'string(1) == "1"',
    "timestamp": 'timestamp("2026-01-31T00:00:00Z") < now',
    "duration": 'now - job.create_time < duration("1h30m")',
}


_LINES = re.MULTILINE


def flat(variables: tuple[Variable, ...], above: str = "") -> list[tuple[str, Variable]]:
    """Every variable and field with its dotted name."""
    found = [(f"{above}{variable.name}", variable) for variable in variables]
    return found + [each for variable in variables for each in flat(variable.fields, f"{above}{variable.name}.")]


ALL = flat(VARIABLES)


@pytest.mark.parametrize(("path", "variable"), ALL, ids=[path for path, _ in ALL])
def test_every_name_is_of_the_type_that_the_table_says(path: str, variable: Variable) -> None:
    form = ABOUT[variable.kind].format(path)
    if path.startswith("running."):
        form = f"running.exists(r, {ABOUT[variable.kind].format(path.replace('running', 'r', 1))})"
    assert path in compile_condition(form).paths or f"{path}.a" in compile_condition(form).paths


@pytest.mark.parametrize("name", [function.name for function in (*MACROS, *FUNCTIONS)])
def test_every_function_is_offered(name: str) -> None:
    compile_condition(NAMED.get(name) or f"now.{name}() == 1")


def test_names_are_told_once_and_with_a_meaning() -> None:
    names = [path for path, _ in ALL] + [function.name for function in (*MACROS, *FUNCTIONS)]
    assert len(set(names)) == len(names)
    assert all(variable.text.endswith(".") for _, variable in ALL)
    assert all(function.text.endswith(".") and function.name in function.form for function in FUNCTIONS)


def test_constants_are_what_they_say() -> None:
    assert [CONSTANTS[name] for name in ("kib", "mib", "gib", "tib")] == [1024**power for power in range(1, 5)]


def test_kinds_by_dotted_name() -> None:
    assert kinds()["job.source.resolved"] is Kind.STRINGS
    assert kinds()["running.id"] is Kind.STRING
    assert set(kinds()) == {path for path, _ in ALL}


def test_the_guide_lists_every_name_with_its_type_and_meaning() -> None:
    text = GUIDE.read_text()
    for path, variable in ALL:
        if variable.kind in {Kind.RECORD, Kind.RECORDS}:
            continue
        assert f"| `{path}` | {variable.kind.value} | {variable.text} |" in text, path
    for function in (*MACROS, *FUNCTIONS):
        assert f"| `{function.form}` | {function.text} |" in text, function.name


def test_the_guide_names_nothing_else() -> None:
    rows = re.findall(
        r"^\| `([a-z]+(?:\.[a-z_]+)*)` \| (?:string|int|double|bool|timestamp|dyn|list)", GUIDE.read_text(), _LINES
    )
    assert set(rows) <= {path for path, _ in ALL}


BLOCK = re.compile(r"^ *deny: '(.*)'$", re.MULTILINE)


def test_the_guides_examples_are_conditions() -> None:
    examples = BLOCK.findall(GUIDE.read_text())
    assert len(examples) >= 8
    for example in examples:
        compile_condition(example.replace("''", "'"))
