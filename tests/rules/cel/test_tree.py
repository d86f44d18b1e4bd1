"""A checked expression as a tree."""

import pytest

from proxy.rules.cel import BadCondition
from proxy.rules.cel.language import LANGUAGE
from proxy.rules.cel.tree import Kind, Node, read


def tree(text: str) -> Node:
    """The tree of an expression."""
    return read(LANGUAGE.compile(text).serialize())


def shown(node: Node) -> str:
    """A tree on one line."""
    inner = " ".join(shown(child) for child in node.children)
    match node.kind:
        case Kind.CONST:
            return repr(node.value)
        case Kind.SELECT:
            return f"{inner}.{node.name}{'?' if node.tests else ''}"
        case Kind.LIST:
            return f"[{inner}]"
        case Kind.LOOP:
            return f"loop({node.name} {node.result}: {inner})"
        case Kind.STRUCT:
            return f"{node.name}{{}}"
        case Kind.IDENT:
            return node.name
        case Kind.CALL:
            return f"{node.name}({inner})"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", "1"),
        ("-2", "-2"),
        ("3u", "3"),
        ("1.5", "1.5"),
        ("true", "True"),
        ("false", "False"),
        ("0", "0"),
        ("null", "None"),
        ('"a"', "'a'"),
        ('""', "''"),
        ('b"a"', "b'a'"),
        ("job.source.index", "job.source.index"),
        ("has(job.source)", "job.source?"),
        ("job.settings.a", "job.settings.a"),
        ("1 + 2", "_+_(1 2)"),
        ("size([1, 2])", "size([1 2])"),
        ('job.id.startsWith("a")', "startsWith(job.id 'a')"),
        ("{1: 2}.size()", "size({})"),
        (
            "[1].exists(x, x > 0)",
            "loop(x @result: [1] False @not_strictly_false(!_(@result)) _||_(@result _>_(x 0)) @result)",
        ),
    ],
)
def test_trees(text: str, wanted: str) -> None:
    assert shown(tree(text)) == wanted


def test_a_message_keeps_its_name() -> None:
    assert shown(tree('startgate.job{id: "a"}')) == "startgate.job{}"


def test_where_a_node_stands_is_counted_in_characters() -> None:
    root = tree('"é" == "x" && job.id == "y"')
    assert [(node.name or node.value, node.offset) for node in root.walk()] == [
        ("_&&_", 11),
        ("_==_", 4),
        ("é", 0),
        ("x", 7),
        ("_==_", 21),
        ("id", 17),
        ("job", 14),
        ("y", 24),
    ]


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(BadCondition, match="nested too deeply"):
        read(b"\xff\xff")
    with pytest.raises(BadCondition, match="kind that is not known"):
        read(b"")
