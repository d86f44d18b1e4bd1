"""Values of any type that the views answer, made from the type alone, with one text wherever a text may stand."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def made(kind: Any, text: str) -> Any:
    """A value of `kind`. Lists hold two entries, optional values are there, numbers are 3."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return made(next(one for one in get_args(kind) if one is not type(None)), text)
    if origin is tuple:
        inner = get_args(kind)
        return (made(inner[0], text),) * 2 if inner[-1] is Ellipsis else tuple(made(one, text) for one in inner)
    if origin in (Mapping, dict):
        return {text: text}
    if origin is Literal:
        return get_args(kind)[0]
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{one.name: made(hints[one.name], text) for one in fields(kind) if one.init})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    plain: dict[Any, Any] = {str: text, int: 3, float: 3.0, bool: True, Any: text}
    return plain[kind]
