"""The library's errors as operators read them. What real texts give is in the tests of `condition`."""

import pytest

from proxy.rules.cel.diagnosis import bad_condition, plain

FIELD = "undefined field 'y' not found in struct '{}'"
OVERLOAD = "found no matching overload for '{}' applied to '({})'"
SELECT = "expression of type 'list(startgate.running)' cannot be the operand of a select operation"
TIMESTAMP = "google.protobuf.Timestamp"
NO_CEL = "is not a CEL expression: extraneous input"
ERROR = "INVALID_ARGUMENT: ERROR: <input>:{}:{}: {}\n | text\n | ..^ [INVALID_ARGUMENT]"


@pytest.mark.parametrize(
    ("text", "line", "column", "said", "wanted"),
    [
        ("jbo.id.x", 1, 7, "undeclared reference to 'jbo.id.x' (in container '')", (1, 1, "no variable 'jbo'")),
        ("jbo . id", 1, 5, "undeclared reference to 'jbo.id' (in container '')", (1, 5, "there is no variable 'jbo'")),
        ("true &&\n  jbo", 2, 3, "undeclared reference to 'jbo'", (2, 3, "did you mean 'job'?")),
        ("a.fooo(1)", 1, 7, "undeclared reference to 'fooo'", (1, 3, "there is no function 'fooo'")),
        ("x.y", 1, 2, FIELD.format("startgate.job_dest"), (1, 3, "job.dest has no field 'y'")),
        ("x.y", 1, 2, FIELD.format("other.thing"), (1, 3, "other.thing has no field 'y'")),
        ("x.y", 1, 2, SELECT, (1, 3, "a list(running) has no fields")),
        ("1 + x", 1, 3, OVERLOAD.format("_+_", "int, startgate.job"), (1, 3, "'+' cannot be applied to (int, job)")),
        ("x(1)", 1, 2, OVERLOAD.format("size", "int"), (1, 2, "'size' cannot be applied to (int)")),
        ("1", 1, 1, "Syntax error: extraneous input '*' expecting {'[', IDENTIFIER}", (1, 1, f"{NO_CEL} '*'")),
        ("1", 1, 2, "Syntax error: mismatched input '<EOF>' expecting {'[', '{'}", (1, 2, "ends too early")),
        ("1", 1, 2, "Syntax error: extraneous input 'x' expecting '<EOF>'", (1, 2, f"{NO_CEL} 'x'")),
        ("1", 1, 2, "Syntax error: extraneous input 'gb' expecting '<EOF>'", (1, 2, "sizes are written so: 4 * gib")),
        ("1", 1, 2, "Syntax error: mismatched input 'AND' expecting '<EOF>'", (1, 2, "(did you mean '&&'?)")),
        ("x", 1, 1, OVERLOAD.format("_<_", f"{TIMESTAMP}, string"), (1, 1, 'write timestamp("2026-01-31T00:00:00Z")')),
        ("x", 1, 1, OVERLOAD.format("_<_", f"{TIMESTAMP}, int"), (1, 1, "cannot be applied to (timestamp, int)")),
        ("1", -1, -1, "anything", (1, 1, "anything")),
        ("1", 9, 9, "undeclared reference to 'jbo'", (9, 9, "there is no variable")),
    ],
)
def test_errors(text: str, line: int, column: int, said: str, wanted: tuple[int, int, str]) -> None:
    bad = bad_condition(text, ERROR.format(line, column, said))
    assert (bad.line, bad.column) == wanted[:2]
    assert wanted[2] in bad.message


@pytest.mark.parametrize(
    "error",
    [
        "CANCELLED: Expression recursion limit exceeded. limit: 32 [CANCELLED]",
        "INVALID_ARGUMENT: ERROR: <input>:-1:-1: Exceeded max recursion depth of 32 when parsing.",
    ],
)
def test_too_deep(error: str) -> None:
    assert bad_condition("x", error).message == "is nested too deeply (at most 32 levels)"


def test_an_error_without_a_place_is_told_as_it_is() -> None:
    bad = bad_condition("x", "INTERNAL: something\nelse")
    assert (bad.line, bad.column, bad.message) == (1, 1, "is not a CEL expression: INTERNAL: something else")


def test_only_the_first_of_several_is_told() -> None:
    both = (
        ERROR.format(1, 1, "undeclared reference to 'aa'") + "\n" + ERROR.format(1, 9, "undeclared reference to 'bb'")
    )
    assert "'aa'" in bad_condition("aa == 1 && bb", both).message


def test_texts_are_on_one_line_and_name_records_as_rule_files_do() -> None:
    assert plain("a\n  list(startgate.running)\t[INVALID_ARGUMENT]") == "a list(running)"
