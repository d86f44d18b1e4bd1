"""The schema of records, held against records as the code makes them; the document is what the table makes."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from proxy.journal import entry
from proxy.journal.chain import canonical
from proxy.journal.entry import Phase
from proxy.journal.fields import FIELDS
from proxy.journal.mask import MASKABLE
from proxy.schemas.audit import audit_reference, audit_schema
from tests.rules.samples import BOB, KEY, job

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit-fields.md"


def accepted(record: Any, *, closed: bool = True) -> bool:
    """Whether the schema takes it, as it stands in the journal."""
    schema = audit_schema(closed=closed)
    return jsonschema.Draft202012Validator(schema).is_valid(json.loads(canonical(record)))


def framed(phase: Phase = Phase.OUTCOME, outcome: str = "success") -> dict[str, Any]:
    return entry.frame(phase, "r", 1_700_000_000_000, outcome=outcome, reason="why")


def test_it_is_a_schema() -> None:
    for closed in (True, False):
        jsonschema.Draft202012Validator.check_schema(audit_schema(closed=closed))


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("outcome", ["success", "failure", "unknown"])
def test_frames_fit(phase: Phase, outcome: str) -> None:
    record = framed(phase, outcome)
    record["startgate"]["caller"] = entry.identity(BOB)
    record["startgate"]["secondary"] = entry.identity(KEY)
    record["startgate"]["job"] = entry.job(job("a", "b"))
    assert accepted(record)


def test_what_is_of_no_start_fits() -> None:
    assert accepted(entry.administrative("startgate-rules-reload", "a", 1, outcome="success"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("event", "outcome"), "good"),
        (("event", "kind"), "metric"),
        (("startgate", "phase"), "middle"),
        (("startgate", "format"), 99),
        (("event", "id"), 5),
        (("startgate", "receipt"), None),
        (("startgate", "plan_only"), 1),
        (("startgate", "caller"), {"name": "ann"}),
        (("startgate", "caller"), {"name": "a", "roles": [], "realm": {}, "authentication_type": "realm"}),
        (("startgate", "owner"), {"kind": "nobody"}),
        (("startgate", "verdict"), {"allowed": True, "reasons": [{"kind": "flow"}], "steps": []}),
        (("startgate", "verdict"), {"allowed": True, "reasons": {}, "steps": []}),
        (("startgate", "timings_ms"), {"judged": -1}),
        (("startgate", "destination"), {"index": "i", "settings": "…"}),
    ],
)
def test_what_is_no_record(path: tuple[str, str], value: object) -> None:
    record = framed()
    record[path[0]][path[1]] = value
    assert not accepted(record)
    assert not accepted(record, closed=False)
    del record[path[0]]
    assert not accepted(record)


def test_a_record_is_of_something() -> None:
    record = framed()
    del record["startgate"]["receipt"]
    assert not accepted(record, closed=False)


@pytest.mark.parametrize("at", [(), ("event",), ("startgate",), ("startgate", "job")])
def test_a_later_version_may_add_fields_and_this_one_has_no_others(at: tuple[str, ...]) -> None:
    record = framed()
    record["startgate"]["job"] = {"id": "a"}
    more = copy.deepcopy(record)
    inner: dict[str, Any] = more
    for key in at:
        inner = inner[key]
    inner["of_a_later_version"] = 1
    assert (accepted(record), accepted(more, closed=False), accepted(more)) == (True, True, False)


def test_the_document_holds_the_reference_word_for_word() -> None:
    assert audit_reference() in DOCUMENT.read_text(), "write the part below `## Fields` anew: schemas.audit"


def test_the_document_says_what_is_masked_together() -> None:
    rows = {
        f"| `{head}` | {', '.join(f'`{name}`' for name in others) or 'nothing'} |" for head, others in MASKABLE.items()
    }
    part = DOCUMENT.read_text().split("| to mask | also masked |\n| --- | --- |\n")[1].split("\n\n")[0]
    assert set(part.splitlines()) == rows


def test_every_field_has_a_row() -> None:
    rows = [line.split("`")[1] for line in audit_reference().splitlines() if line.startswith("| `")]
    assert rows == list(FIELDS)


def test_types_are_told() -> None:
    text = audit_reference()
    for row in (
        "| `event.outcome` | `success`, `failure`, `unknown` | how it went | 0.1.0 |",
        "| `user.roles` | list of keywords | the caller's roles | 0.1.0 |",
        "| `startgate.verdict.reasons` | list of objects |",
        "| `startgate.destination.meta` | map |",
        "| `source.ip` | IP address |",
        "| `@timestamp` | date |",
    ):
        assert row in text
