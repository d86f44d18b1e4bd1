"""The types of a body's fields, checked before anything is done with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.embedded.core.json_text import Json
from proxy.embedded.failure import Failure


@dataclass(frozen=True, slots=True)
class Shape:
    """A test of a value, and what passes it in words."""

    fits: Callable[[Json], bool]
    text: str


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


TEXT = Shape(lambda value: isinstance(value, str), "a string")
TEXTS = Shape(lambda value: isinstance(value, str) or _is_texts(value), "a string or an array of strings")
FLAG = Shape(lambda value: isinstance(value, bool), "a boolean")
WHOLE = Shape(lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number")
OBJECT = Shape(lambda value: isinstance(value, dict), "an object")
OBJECTS = Shape(
    lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value), "an array of objects"
)


def shaped(body: Mapping[str, Any], shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """The body without its nulls, which mean the same as no value. Raises `Failure` 400 for the first field that is
    of another type than `shapes` says; fields that are not in `shapes` are left to others."""
    found = {name: value for name, value in body.items() if value is not None}
    for name, shape in shapes.items():
        if name in found and not shape.fits(found[name]):
            raise Failure(400, "x_content_parse_exception", f"failed to parse field [{name}]: it must be {shape.text}")
    return found


def texts(value: str | list[str] | None) -> list[str]:
    """A value of the shape `TEXTS` as a list, empty for none."""
    return [value] if isinstance(value, str) else list(value or ())
