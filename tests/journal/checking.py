"""Holds records to the shipped schema and to the table of fields, wherever a test makes or reads some."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
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


def check_journal(folder: Path) -> int:
    """Every whole line of a journal, with its place in the chain; how many there are."""
    lines = [line for path in sorted(folder.glob("starts-*.jsonl")) for line in path.read_bytes().splitlines(True)]
    whole = [line for line in lines if line.endswith(b"\n")]
    for line in whole:
        assert "hash" in checked(json.loads(line))["startgate"]["chain"]
    return len(whole)
