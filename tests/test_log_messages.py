"""Every warning and error that is logged stands in docs/logs.md, with what to do about it."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "logs.md").read_text()
# What is not for production.
APART = ("embedded", "demo")
LEVELS = {"warning": "WARNING", "error": "ERROR", "exception": "ERROR", "critical": "CRITICAL"}
LOGGERS = {"logger", "LOG", "_logger", "log"}
_PLACE = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[sdrgfx]")


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a logger, with its method."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of = node.func.value
        name = of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else ""
        if name in LOGGERS and node.func.attr in {*LEVELS, "log", "info", "debug"}:
            yield node.func.attr, node


def logged(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Level and text of every warning and error; what differs from time to time is `…`."""
    # A text may stand before its loop under a name of its own.
    named = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for method, call in calls(tree):
        if method not in LEVELS:
            continue
        text = call.args[0]
        if isinstance(text, ast.Name):
            template = named[text.id]
        else:
            assert isinstance(text, ast.Constant), f"line {call.lineno}: the text is made where it is logged"
            template = str(text.value)
        yield LEVELS[method], _PLACE.sub("…", template).replace("\n", " ")


def in_code() -> set[tuple[str, str]]:
    """All of them."""
    found: set[tuple[str, str]] = set()
    for path in sorted((ROOT / "proxy").rglob("*.py")):
        if path.relative_to(ROOT / "proxy").parts[0] not in APART:
            found |= set(logged(ast.parse(path.read_text())))
    return found


def rows() -> list[tuple[str, str, str]]:
    """Level, text and what to do, of each row in the document."""
    part = DOCUMENT.split("\n## What warnings and errors say", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| (WARNING|ERROR|CRITICAL) \| `(.+?)` \| (.+) \|$", part, flags=re.MULTILINE)


def test_the_document_has_every_message_and_no_other() -> None:
    told = {(level, text) for level, text, _ in rows()}
    assert told - in_code() == set(), "no longer said"
    assert in_code() - told == set(), "said, and not told what to do"


def test_no_message_stands_there_twice_and_each_says_what_to_do() -> None:
    counts = Counter((level, text) for level, text, _ in rows())
    assert [one for one, count in counts.items() if count > 1] == []
    assert [text for _, text, what in rows() if len(what) < 7] == []


def test_the_walk_sees_what_is_logged() -> None:
    source = (
        "text = 'a %s'\n"
        "def f():\n"
        "    logger.warning(text, 1)\n"
        "    self._logger.error('%d of %s lost: %r', 1)\n"
        "    LOG.exception('x\\n%.3f')\n"
        "    logger.info('not told')\n"
    )
    assert set(logged(ast.parse(source))) == {("WARNING", "a …"), ("ERROR", "… of … lost: …"), ("ERROR", "x …")}


def test_levels_are_not_chosen_where_a_line_is_logged_but_in_one_place() -> None:
    """`logger.log(level, …)` would not be seen by the walk."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "proxy").rglob("*.py"))
        for method, _ in calls(ast.parse(path.read_text()))
        if method == "log"
    ]
    assert found == ["proxy/control/server.py"]
