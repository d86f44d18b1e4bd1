"""The reference of rule files for the documents: a table for each mapping, from the tables that the reader uses."""

from proxy.rules.forms import Choice, Either, Fields, Form, Many, Moment, Named, One, SettingValue
from proxy.rules.language import TABLES

_KINDS: dict[type, str] = {One: "`1`", Moment: "a time", SettingValue: "a value", Fields: "a mapping"}


def reference() -> str:
    """All tables in Markdown, each under its heading."""
    return "\n\n".join(f"### {heading}\n\n{_table(fields)}" for heading, fields in TABLES.items()) + "\n"


def _table(fields: Fields) -> str:
    rows = ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for name, key in fields.keys.items():
        default = "must be there" if key.missing else key.default or "none"
        rows.append(f"| `{name}` | {_kind(key.form)} | {default} | {key.means} |")
    return "\n".join(rows)


def _kind(form: Form) -> str:
    match form:
        case Choice(of=of):
            return ", ".join(f"`{choice.value}`" for choice in of)
        case Many(item=Fields()):
            return "a list of mappings"
        case Many(item=Choice() as item):
            return f"a list of {_kind(item)}"
        case Many(item=Either()):
            return "a list of texts and mappings"
        case Many():
            return "a list of texts"
        case Named(key=key):
            return f"a mapping: {key} to its values"
        case _:
            return _KINDS.get(type(form), "a text")
