"""The page of errors: what commands end with, and what the gate answers, read from the sources.

An error is a call of `Refusal` or `PlainRefusal` with its status and type written out. Its text is shown as far as it
is written there; `…` stands for what differs from time to time.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from proxy.errors import ExitStatus
from tools.reference.commands import cell

# What each status means to whoever runs a command; a status without a line here fails the build.
STATUSES: Mapping[ExitStatus, str] = {
    ExitStatus.OK: "as asked",
    ExitStatus.INVALID: "configuration, rules, an option, a file or a credential is wrong; faults are told with places",
    ExitStatus.UNREACHABLE: "the cluster, or the running Startgate that is asked, does not answer",
    ExitStatus.ADDRESS: "an address cannot be listened on",
}
# Who answers starts. The embedded cluster answers as Elasticsearch does, and the admin port has errors of its own.
PARTS = ("gate", "identity")
_ANY = "…"
_HEAD = """# Errors

Made from the code.

## Exit statuses

| status | meaning |
| --- | --- |
"""
_BETWEEN = """
1 is what commands that look for something end with where they found it, such as `startgate audit verify`; their
texts under [commands](commands.md) say what. It is also Python's own for an error that nobody foresaw.

## What a start may be answered by the gate

In Elasticsearch's shape, and in its words where it has some; [differences](../differences.md) says when. `…` is what
differs from time to time. What the cluster itself refuses is passed on as it comes and is not listed; what is refused
on the wire, before anything is asked, is in [the wire](../wire.md). The admin port's errors are
`{status, reason, where, allowed, hint}` ([API](../api.md)).

| status | type | text | said by |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True, order=True)
class Answered:
    """An error as the sources have it."""

    status: int
    type: str
    text: str
    module: str


def errors_page(package: Path) -> str:
    """All of it in Markdown, from the sources in `package`."""
    exits = "\n".join(f"| {int(status)} | {STATUSES[status]} |" for status in ExitStatus)
    rows = [
        f"| {one.status} | {f'`{one.type}`' if one.type else 'none'} | {cell(one.text)} | `{one.module}` |"
        for one in answers(package)
    ]
    return _HEAD + exits + "\n" + _BETWEEN + "\n".join(rows) + "\n"


def answers(package: Path) -> list[Answered]:
    """Every error that is written out in the sources of the parts that answer starts, by status and type."""
    found: set[Answered] = set()
    for part in PARTS:
        for path in sorted((package / part).rglob("*.py")):
            module = ".".join(path.relative_to(package.parent).with_suffix("").parts)
            found.update(_in_module(ast.parse(path.read_text()), module))
    told = {(one.status, one.type) for one in found if one.text != _ANY}
    # A text that is made elsewhere says nothing beside others of its kind.
    return sorted(one for one in found if one.text != _ANY or (one.status, one.type) not in told)


def _in_module(tree: ast.Module, module: str) -> Iterator[Answered]:
    whole = _assigned(tree.body)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            names = {**whole, **_assigned(list(ast.walk(function)))}
            yield from (one for node in ast.walk(function) for one in _call(node, names, module))


def _assigned(nodes: list[ast.stmt] | list[ast.AST]) -> dict[str, ast.expr]:
    """What single names are given; of several, the last: where a text is chosen, one of them is shown."""
    return {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _call(node: ast.AST, names: Mapping[str, ast.expr], module: str) -> Iterator[Answered]:
    match node:
        case ast.Call(
            func=ast.Name(id="Refusal" | "PlainRefusal"),
            args=[ast.Constant(value=int() as status), ast.Constant(value=str() as type), text, *_],
        ):
            yield Answered(status, type, _text(text, names), module)


def _text(node: ast.expr, names: Mapping[str, ast.expr], depth: int = 3) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(one, {}) for one in values)
        case ast.Name(id=name) if name in names and depth:
            return _text(names[name], names, depth - 1)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, names, depth) + _text(right, names, depth)
        case _:
            return _ANY
