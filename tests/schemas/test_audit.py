"""The schema of records, held against records as the code makes them."""

import json
from typing import Any

import jsonschema
import pytest

from proxy.journal import entry
from proxy.journal.entry import Phase
from proxy.schemas.audit import audit_schema
from tests.rules.samples import BOB, KEY, job


def accepted(record: Any) -> bool:
    """Whether the schema takes it, as it stands in the journal."""
    return jsonschema.Draft202012Validator(audit_schema()).is_valid(json.loads(entry.encode(record)))


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("outcome", ["success", "failure", "unknown"])
def test_frames_fit(phase: Phase, outcome: str) -> None:
    record = entry.frame(phase, "r", 1_700_000_000_000, outcome=outcome, reason="why")
    record["startgate"]["caller"] = entry.identity(BOB)
    record["startgate"]["secondary"] = entry.identity(KEY)
    record["startgate"]["job"] = entry.job(job("a", "b"))
    assert accepted(record)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("event", "outcome"), "good"),
        (("startgate", "phase"), "middle"),
        (("startgate", "format"), 99),
        (("event", "id"), 5),
        (("startgate", "receipt"), None),
    ],
)
def test_what_is_no_record(path: tuple[str, str], value: object) -> None:
    record = entry.frame(Phase.INTENT, "r", 1, outcome="unknown")
    record[path[0]][path[1]] = value
    assert not accepted(record)
    del record[path[0]]
    assert not accepted(record)
