"""Holds records to the shipped schema and to the table of fields, wherever a test makes or reads some."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jsonschema

from proxy.journal.allowed import allowed
from proxy.journal.chain import canonical
from proxy.schemas.audit import audit_schema


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(audit_schema(closed=True))


def checked(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as it was; an AssertionError where it is none of this version's."""
    _, strangers = allowed(record)
    assert strangers == (), f"proxy.journal.fields lacks {', '.join(strangers)}"
    faults = [
        f"{fault.json_path}: {fault.message}" for fault in _validator().iter_errors(json.loads(canonical(record)))
    ]
    assert faults == []
    return record


def all_checked(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each of them."""
    return [checked(record) for record in records]
