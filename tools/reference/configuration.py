"""The page of the configuration: every key with its kind, default, variable and meaning."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from proxy.config.keys import KEYS, LISTEN_KEYS, variable
from proxy.schemas.config import config_schema
from proxy.settings import AdminLimits, EdgeLimits, GateLimits, IdentityLimits, ShipLimits
from proxy.tracing.settings import TraceLimits
from tools.reference.commands import cell

_HEAD = """# Configuration

Made from the table of keys that the program itself reads by. [The README](../../README.md#configuration) tells what
each is for, with its default; [a file with every key](../../startgate.example.yml) can be copied. `startgate schema
config` prints the JSON Schema for editors, `startgate check` tells every fault of a file at once.

Each key is also a variable of the environment, which wins over the file: `cluster.nodes` is
`STARTGATE_CLUSTER__NODES`. Commas part a list there.
"""
_LIMITS: Mapping[str, type] = {
    "edge": EdgeLimits,
    "gate": GateLimits,
    "identity": IdentityLimits,
    "ship": ShipLimits,
    "trace": TraceLimits,
    "admin": AdminLimits,
}


def configuration_page() -> str:
    """All of it in Markdown: a table for each section."""
    lines = [_HEAD]
    for section in dict.fromkeys(_section(name) for name in KEYS):
        lines += [f"## {section}\n", *_table([name for name in KEYS if _section(name) == section])]
    lines += ["## The long form of listen\n", "| key | variable |\n| --- | --- |"]
    lines += [f"| `{name}` | `{variable(name)}` |" for name in LISTEN_KEYS]
    return "\n".join(lines) + "\n"


def _section(name: str) -> str:
    pieces = name.split(".")
    return ".".join(pieces[:2]) if pieces[0] == "limits" else pieces[0]


def _table(names: list[str]) -> Iterator[str]:
    defaults = {f"limits.{at}.{one.name}": one.default for at, kind in _LIMITS.items() for one in fields(kind)}
    limits = names[0].startswith("limits.")
    yield (
        "| key | value | default | meaning |\n| --- | --- | --- | --- |"
        if limits
        else "| key | value | meaning |\n| --- | --- | --- |"
    )
    for name in names:
        default = f" {defaults[name]} |" if limits else ""
        yield f"| `{name}` | {cell(_kind(_schema(name)))} |{default} {KEYS[name]} |"
    yield ""


def _schema(name: str) -> Mapping[str, Any]:
    """What the JSON Schema says of a key; a section may also be absent, which stands in it as a choice."""
    at: Any = config_schema()
    for piece in name.split("."):
        at = at["anyOf"][0] if "anyOf" in at and "properties" not in at else at
        at = at["properties"][piece]
    return dict(at)


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(dict.fromkeys(f"`{str(value).lower()}`" for value in schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if schema["type"] == "array":
        return f"a list of: {_kind(schema['items'])}"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return "text" if len(kinds) > 2 else " or ".join(_WORDS[kind] for kind in kinds) + _bounds(schema)


_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "mapping",
    "array": "list",
}


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
    return "".join(f" {words[name]} {schema[name]}" for name in words if name in schema)
