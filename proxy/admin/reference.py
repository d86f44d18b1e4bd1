"""The calls of the API as a table for people (docs/api.md), made from its description."""

from collections.abc import Iterator, Mapping
from typing import Any


def reference(document: Mapping[str, Any]) -> str:
    """Markdown: a table of calls, and one of parameters and fields."""
    return "\n".join([*_calls(document), "", *_given(document)]) + "\n"


def _all(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            yield f"`{method.upper()} {path}`", one


def _calls(document: Mapping[str, Any]) -> Iterator[str]:
    yield "| call | role | what | answer |"
    yield "| --- | --- | --- | --- |"
    for call, one in _all(document):
        role = one["description"].split("`")[1]
        yield f"| {call} | {role} | {one['summary']} | {_answer(one['responses']['200']['content'])} |"


def _answer(content: Mapping[str, Any]) -> str:
    [told, *_] = content.values()
    name = told["schema"].get("$ref", "").rpartition("/")[2]
    if name:
        return f"`{name}`"
    return "JSON" if "application/json" in content else ", ".join(f"`{media}`" for media in content)


def _given(document: Mapping[str, Any]) -> Iterator[str]:
    yield "| call | takes | type | default |"
    yield "| --- | --- | --- | --- |"
    schemas = document["components"]["schemas"]
    for call, one in _all(document):
        for each in one["parameters"]:
            if each["in"] == "query":
                yield f"| {call} | `?{each['name']}=` | {_kind(each['schema'])} | {_default(each['schema'])} |"
        body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        fields = schemas.get(body.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
        for name, schema in fields.items():
            yield f"| {call} | `{name}` in the body | {_kind(schema)} | {_default(schema)} |"


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    return {"integer": "whole number", "string": "text", "boolean": "`true` or `false`"}.get(kind, str(kind))


def _default(schema: Mapping[str, Any]) -> str:
    if "default" not in schema:
        return "needed"
    value = schema["default"]
    return "none" if value in ("", None) else f"`{value}`"
