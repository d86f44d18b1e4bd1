"""The schema of rule files, from the tables of keys that their reader uses (`rules.language`)."""

from collections.abc import Mapping
from typing import Any

from proxy.rules.forms import MOMENT, Choice, Either, Fields, Form, Key, Many, Moment, Named, One, SettingValue, Text
from proxy.rules.language import FILE

# Not blank: what the reader asks of every text.
NOT_BLANK = r"\S"


def rules_schema() -> dict[str, Any]:
    """The schema of one rule file."""
    return {"title": "A rule file of Startgate", **schema_of(FILE)}


def schema_of(form: Form) -> dict[str, Any]:
    """The schema of one form."""
    match form:
        case Either(forms=forms):
            return {"anyOf": [schema_of(one) for one in forms]}
        case Many(item=item, filled=filled):
            return {"type": "array", "items": schema_of(item), **({"minItems": 1} if filled else {})}
        case Named(value=value, filled=filled):
            named = {"type": "object", "additionalProperties": schema_of(value)}
            return {**named, **({"minProperties": 1} if filled else {})}
        case Fields(keys=keys):
            return _fields(keys)
        case _:
            return _single(form)


def _single(form: Text | Moment | One | SettingValue | Choice) -> dict[str, Any]:
    match form:
        case Text(pattern=pattern):
            return {"type": "string", "pattern": f"^(?:{pattern})$" if pattern else NOT_BLANK}
        case Moment():
            return {"type": "string", "pattern": f"^{MOMENT}$"}
        case One():
            return {"const": 1}
        case Choice(of=of):
            return {"enum": [choice.value for choice in of]}
        case SettingValue():
            text = schema_of(Text())
            return {"anyOf": [text, {"type": ["number", "boolean"]}, {"type": "array", "items": text}]}


def _fields(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, key in keys.items() if key.missing],
        "properties": {name: {"description": _described(key), **schema_of(key.form)} for name, key in keys.items()},
    }


def _described(key: Key) -> str:
    return f"{key.means} (default: {key.default})" if key.default else key.means
