"""JSON as Elasticsearch reads and writes it: strict reading with Jackson's faults, its compact and pretty writing."""

import json
from typing import Any

from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.positions import line_column

Json = Any  # one decoded JSON value, whatever it is

_INDENT = "  "
_EXCERPT_CHARS = 500  # Jackson's ErrorReportConfiguration: how much of the source an error quotes


class DuplicateField(ValueError):
    """An object names one key twice; Elasticsearch refuses that everywhere."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise DuplicateField(key)
            seen.add(key)
    return found


def _constant(name: str) -> Json:
    raise ValueError(f"Non-standard token '{name}'")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)


def read(text: str) -> Json:
    """Decode one JSON value. Raises ElasticError (400 `x_content_parse_exception`) with position and source."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        raise _fault(text, *_jackson(text, fault)) from None
    except DuplicateField as fault:
        raise _fault(text, "json_parse_exception", f"Duplicate field '{fault}'", len(text)) from None
    except (ValueError, RecursionError) as fault:
        raise _fault(text, "json_parse_exception", str(fault), 0) from None


def compact(value: Json) -> str:
    """One line without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty(value: Json, depth: int = 0) -> str:
    """Jackson's indented form: ` : ` after keys, every element on its own line, `{ }` and `[ ]` for nothing."""
    inside, outside = "\n" + _INDENT * (depth + 1), "\n" + _INDENT * depth
    if isinstance(value, dict):
        if not value:
            return "{ }"
        members = (f"{compact(str(key))} : {pretty(inner, depth + 1)}" for key, inner in value.items())
        return "{" + inside + ("," + inside).join(members) + outside + "}"
    if isinstance(value, list):
        if not value:
            return "[ ]"
        return "[" + inside + ("," + inside).join(pretty(inner, depth + 1) for inner in value) + outside + "]"
    return compact(value)


def _jackson(text: str, fault: json.JSONDecodeError) -> tuple[str, str, int]:
    """Jackson's name and text for what Python's decoder found, and the offset that it would report."""
    offset = fault.pos
    while offset < len(text) and text[offset] in " \t\r\n":
        offset += 1
    if offset >= len(text):
        where = _open_container(text)
        if where is None:
            return "json_e_o_f_exception", "No content to map due to end-of-input", len(text)
        return "json_e_o_f_exception", f"Unexpected end-of-input within/between {where} entries", len(text)
    found = text[offset]
    if fault.msg.startswith("Extra data"):
        expected = "expected end of input"
    elif "property name" in fault.msg:
        expected = "was expecting double-quote to start field name"
    elif "delimiter" in fault.msg:
        expected = f"was expecting comma to separate {_open_container(text[:offset]) or 'Object'} entries"
    else:
        expected = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    return "json_parse_exception", f"Unexpected character ('{found}' (code {ord(found)})): {expected}", offset + 1


def _open_container(text: str) -> str | None:
    """`Object` or `Array`: what the end of the text still stands in; None outside of any."""
    stack: list[str] = []
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{[":
            stack.append(character)
        elif character in "}]" and stack:
            stack.pop()
    if not stack:
        return None
    return "Object" if stack[-1] == "{" else "Array"


def _fault(text: str, type: str, reason: str, offset: int) -> ElasticError:
    line, column = line_column(text, offset)
    quoted = text if len(text) <= _EXCERPT_CHARS else f"{text[:_EXCERPT_CHARS]}[truncated {len(text)} chars]"
    full = f'{reason}\n at [Source: (byte[])"{quoted}"; line: {line}, column: {column}]'
    return ElasticError(
        400, "x_content_parse_exception", f"[{line}:{column}] {full}", cause=ElasticError(400, type, full)
    )
