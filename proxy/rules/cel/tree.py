"""A checked expression as a tree of our own.

The library checks types, but shows the expression only as a serialized message (`cel.expr.CheckedExpr`, in the files
`checked.proto` and `syntax.proto` of the CEL specification). The part of it that is needed here is declared below, by
those files' field numbers; the rest is skipped in reading.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from proxy.rules.cel.errors import BadCondition
from proxy.rules.cel.limits import NESTING


class Kind(StrEnum):
    """What a node is. The names are those of the message's own variants."""

    CONST = "const_expr"
    IDENT = "ident_expr"
    SELECT = "select_expr"
    CALL = "call_expr"
    LIST = "list_expr"
    STRUCT = "struct_expr"
    LOOP = "comprehension_expr"


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `name` is that of the variable, field, function or, of a LOOP, of the variable that runs.

    `children` are in order of evaluation: a method's target first; of a LOOP the range, the start, the condition, the
    step and the result, with `result` the name of the variable that is added to. `value` is a CONST's. `offset` is
    where it stands in the text, in characters. `tests` marks a SELECT that `has()` makes.
    """

    kind: Kind
    offset: int
    name: str = ""
    children: "tuple[Node, ...]" = ()
    value: Any = None
    result: str = ""
    tests: bool = False

    def walk(self) -> "Iterator[Node]":
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


_Field = descriptor_pb2.FieldDescriptorProto
# Message → field → (number, type, repeated); a type in capitals is a plain one, any other a message of this table.
_SHAPES: Mapping[str, Mapping[str, tuple[int, str, bool]]] = {
    "Any": {"value": (2, "BYTES", False)},
    "Checked": {"expr": (4, "Expr", False), "source_info": (5, "Info", False)},
    "Info": {"positions": (4, "Position", True)},
    "Position": {"key": (1, "INT64", False), "value": (2, "INT32", False)},
    "Expr": {
        "id": (2, "INT64", False),
        "const_expr": (3, "Const", False),
        "ident_expr": (4, "Ident", False),
        "select_expr": (5, "Select", False),
        "call_expr": (6, "Call", False),
        "list_expr": (7, "List", False),
        "struct_expr": (8, "Struct", False),
        "comprehension_expr": (9, "Loop", False),
    },
    "Const": {
        "bool_value": (2, "BOOL", False),
        "int64_value": (3, "INT64", False),
        "uint64_value": (4, "UINT64", False),
        "double_value": (5, "DOUBLE", False),
        "string_value": (6, "STRING", False),
        "bytes_value": (7, "BYTES", False),
    },
    "Ident": {"name": (1, "STRING", False)},
    "Select": {"operand": (1, "Expr", False), "field": (2, "STRING", False), "test_only": (3, "BOOL", False)},
    "Call": {"target": (1, "Expr", False), "function": (2, "STRING", False), "args": (3, "Expr", True)},
    "List": {"elements": (1, "Expr", True)},
    "Struct": {"message_name": (1, "STRING", False)},
    "Loop": {
        "iter_var": (1, "STRING", False),
        "iter_range": (2, "Expr", False),
        "accu_var": (3, "STRING", False),
        "accu_init": (4, "Expr", False),
        "loop_condition": (5, "Expr", False),
        "loop_step": (6, "Expr", False),
        "result": (7, "Expr", False),
    },
}


def _classes() -> Mapping[str, type[Message]]:
    """A class for every message of the table."""
    file = descriptor_pb2.FileDescriptorProto(name="tree.proto", package="tree", syntax="proto2")
    for name, fields in _SHAPES.items():
        described = file.message_type.add(name=name)
        for field, (number, type_name, repeated) in fields.items():
            label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            entry = described.field.add(name=field, number=number, label=label)
            if type_name.isupper():
                entry.type = _Field.Type.Value(f"TYPE_{type_name}")
            else:
                entry.type, entry.type_name = _Field.TYPE_MESSAGE, f".tree.{type_name}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tree.{name}")) for name in _SHAPES}


_CLASSES = _classes()


def read(serialized: bytes) -> Node:
    """The tree of a checked expression, as `Expression.serialize` gives it.

    Raises BadCondition where it nests deeper than messages may.
    """
    try:
        outer: Any = _CLASSES["Any"].FromString(serialized)
        checked: Any = _CLASSES["Checked"].FromString(outer.value)
    except DecodeError as exc:
        raise BadCondition(f"is nested too deeply (at most {NESTING} levels)") from exc
    offsets = {position.key: position.value for position in checked.source_info.positions}
    return _node(checked.expr, offsets)


def _node(expr: Any, offsets: Mapping[int, int]) -> Node:  # noqa: ANN401 - a message class made at run time
    """One node with all below it."""
    kind = next((kind for kind in Kind if expr.HasField(kind.value)), None)
    if kind is None:
        raise BadCondition("holds an expression of a kind that is not known here")
    inner = getattr(expr, kind.value)
    return Node(
        kind,
        offsets.get(expr.id, 0),
        name=next((getattr(inner, field) for field in _NAMES if _has(inner, field)), ""),
        children=tuple(_node(each, offsets) for each in _below(kind, inner)),
        value=_value(inner) if kind is Kind.CONST else None,
        result=inner.accu_var if kind is Kind.LOOP else "",
        tests=inner.test_only if kind is Kind.SELECT else False,
    )


# The field that names a node; each kind has one of them at most.
_NAMES = ("name", "field", "function", "message_name", "iter_var")


def _has(inner: Any, field: str) -> bool:  # noqa: ANN401 - likewise
    """Whether messages of its type have such a field."""
    return field in inner.DESCRIPTOR.fields_by_name


def _value(inner: Any) -> Any:  # noqa: ANN401 - likewise
    """What a literal stands for; None is `null`."""
    fields = inner.ListFields()
    return fields[0][1] if fields else None


def _below(kind: Kind, inner: Any) -> list[Any]:  # noqa: ANN401 - likewise
    """The expressions within one, in order."""
    match kind:
        case Kind.SELECT:
            return [inner.operand]
        case Kind.CALL:
            return [inner.target, *inner.args] if inner.HasField("target") else list(inner.args)
        case Kind.LIST:
            return list(inner.elements)
        case Kind.LOOP:
            return [inner.iter_range, inner.accu_init, inner.loop_condition, inner.loop_step, inner.result]
        case _:
            return []
