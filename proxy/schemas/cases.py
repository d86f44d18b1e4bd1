"""The schema of files of cases, from the keys that their reader takes (`cases.read`, `cases.parts`)."""

from collections.abc import Iterable
from typing import Any

from proxy.cases.parts import API_KEY_KEYS, IDENTITY_KEYS, INDEX_KEYS, JOB_KEYS
from proxy.cases.read import ANSWER_KEYS, CASE_KEYS, CLUSTER_KEYS, EXPECT_KEYS, FILE_KEYS, PLAN_KEYS, REQUEST_KEYS


def cases_schema() -> dict[str, Any]:
    """The schema of one file of cases: which keys may stand where."""
    expect = _keys(EXPECT_KEYS, plan=_keys(PLAN_KEYS))
    case = _keys(CASE_KEYS, request=_keys(REQUEST_KEYS), cluster=_keys(ANSWER_KEYS), expect=expect)
    return {
        "title": "A file of cases for the rules of Startgate",
        **_keys(
            FILE_KEYS,
            required=("version", "cases"),
            version={"const": 1},
            rules={"type": "string"},
            cluster=_keys(CLUSTER_KEYS),
            identities=_named(_keys(IDENTITY_KEYS, api_key=_keys(API_KEY_KEYS))),
            jobs=_named(_keys(JOB_KEYS)),
            indices=_named(_keys(INDEX_KEYS)),
            cases={"type": "array", "items": case},
        ),
    }


def _keys(names: Iterable[str], *, required: Iterable[str] = (), **known: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {name: known.get(name, {}) for name in names}
    return {
        "type": ["object", "null"] if not tuple(required) else "object",
        "additionalProperties": False,
        **({"required": list(required)} if tuple(required) else {}),
        "properties": properties,
    }


def _named(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}
