"""Acts as records: bounded, of the table's fields alone."""

import json

import jsonschema
import pytest

from proxy.control.acts import ACTIONS, OUTCOMES, SIGN_IN, Act, record_of
from proxy.journal.allowed import allowed
from proxy.journal.chain import canonical
from proxy.journal.mask import Mask
from proxy.schemas.audit import audit_schema
from proxy.settings import Masking

FULL = Act(
    action=SIGN_IN,
    by="ann",
    realm="native1",
    role="read",
    reason="why",
    address="192.0.2.1",
    asked=("form=csv",),
    asked_user="bob",
    count=3,
    since_ms=1,
    until_ms=2,
)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_act_is_a_record_of_the_schema(action: str, outcome: str) -> None:
    record = record_of(Act(action=action, outcome=outcome), "id", 1_700_000_000_000)
    assert jsonschema.Draft202012Validator(audit_schema()).is_valid(json.loads(canonical(record)))
    assert ("denied" in record["event"]["type"]) is (outcome == "failure")


def test_nothing_of_it_is_left_out() -> None:
    record = record_of(FULL, "id", 1_700_000_000_000)
    kept, left_out = allowed(record)
    assert list(left_out) == []
    assert kept["startgate"]["admin"] == {
        "by": "ann",
        "realm": "native1",
        "role": "read",
        "asked": ["form=csv"],
        "asked_user": "bob",
        "repeated": {"count": 3, "since_ms": 1, "until_ms": 2},
    }
    assert (kept["user"], kept["source"]) == ({"name": "ann"}, {"address": "192.0.2.1"})


def test_users_in_it_are_masked_where_users_are() -> None:
    kept, _ = allowed(record_of(FULL, "id", 1_700_000_000_000))
    masked = Mask(Masking(fields=("user.name", "source.address"), key="k" * 32)).masked(kept)
    assert not any(name in json.dumps(masked) for name in ("ann", "bob", "192.0.2.1"))


def test_what_it_names_is_bounded() -> None:
    record = record_of(Act(action=SIGN_IN, by="x" * 100_000, asked=("y" * 100_000,) * 1000), "id", 0)
    assert len(json.dumps(record)) < 2_000_000


@pytest.mark.parametrize("act", [Act(action="startgate-rules-reload"), Act(action=SIGN_IN, outcome="maybe")])
def test_others_are_refused(act: Act) -> None:
    with pytest.raises(ValueError, match="no action"):
        record_of(act, "id", 0)
