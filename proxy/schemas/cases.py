"""The schema of files of cases, from the keys that their reader takes (`cases.read`, `cases.parts`).

It says which keys may stand where and of which form their values are. Names that must fit each other, such as a case's
`caller`, are checked by the reader alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.cases.model import Wanted
from proxy.cases.parts import API_KEY_KEYS, DOCUMENTS_MAX, IDENTITY_KEYS, INDEX_KEYS, JOB_KEYS, STATES
from proxy.cases.read import (
    ANSWER_KEYS,
    BYTES_MAX,
    CASE_KEYS,
    CLUSTER_KEYS,
    EXPECT_KEYS,
    FILE_KEYS,
    PLAN_KEYS,
    REQUEST_KEYS,
    RUNNING_KEYS,
)
from proxy.model import Stage

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_TRUTH: Schema = {"type": "boolean"}
_MAPPING: Schema = {"type": "object"}
_STATUS: Schema = {"type": "integer", "minimum": 200, "maximum": 599}


def cases_schema() -> Schema:
    """The schema of one file of cases."""
    return {
        "title": "A file of cases for the rules of Startgate",
        **_keys(
            FILE_KEYS,
            required=("version", "cases"),
            version={"const": 1},
            rules=_TEXT,
            cluster=_keys(CLUSTER_KEYS, version=_TEXT, service=_TRUTH),
            identities=_named(_identity()),
            roles=_named(_MAPPING),
            jobs=_named(_job()),
            indices=_named(_index()),
            cases={"type": "array", "minItems": 1, "items": _case()},
        ),
    }


def _identity() -> Schema:
    texts = dict.fromkeys(("username", "realm", "realm_type", "authentication_type"), _TEXT)
    key = _keys(API_KEY_KEYS, required=("id",), id=_TEXT, name=_TEXT)
    return _keys(IDENTITY_KEYS, **texts, roles=_TEXTS, api_key=key, run_as=_TRUTH)


def _job() -> Schema:
    # Those that Elasticsearch would check are left to it: a case may be about a job that is odd.
    return _keys(
        JOB_KEYS,
        required=("source", "dest", "analysis"),
        source=_MAPPING,
        dest=_MAPPING,
        analysis={"type": "object", "minProperties": 1, "maxProperties": 1},
        owner={
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {"roles": _TEXTS, "api_key": _MAPPING, "service_account": _TEXT},
        },
        state={"enum": list(STATES)},
        stage={"enum": [stage.value for stage in Stage]},
    )


def _index() -> Schema:
    return _keys(
        INDEX_KEYS,
        settings=_MAPPING,
        mappings=_MAPPING,
        aliases=_TEXTS,
        data_stream=_TEXT,
        documents={"type": "integer", "minimum": 0, "maximum": DOCUMENTS_MAX},
    )


def _case() -> Schema:
    running = _keys(
        RUNNING_KEYS,
        **dict.fromkeys(("id", "analysis", "destination"), _TEXT),
        **dict.fromkeys(("sources", "owner_roles"), _TEXTS),
        model_memory_limit_bytes={"type": "integer", "minimum": 0, "maximum": BYTES_MAX},
    )
    headers = {"type": "object", "additionalProperties": _TEXT}
    return _keys(
        CASE_KEYS,
        required=("name", "caller", "job", "expect"),
        **dict.fromkeys(("name", "caller", "secondary", "job", "skip"), _TEXT),
        now={"type": "string", "format": "date-time"},
        request=_keys(REQUEST_KEYS, peer=_TEXT, headers=headers, timeout=_TEXT),
        running={"type": "array", "items": running},
        cluster=_keys(ANSWER_KEYS, status=_STATUS, error=_TEXT),
        expect=_expect(),
    )


def _expect() -> Schema:
    return _keys(
        EXPECT_KEYS,
        required=("verdict",),
        verdict={"enum": [one.value for one in Wanted]},
        status=_STATUS,
        error=_TEXT,
        **dict.fromkeys(("reasons", "warnings", "shadowed"), _TEXTS),
        plan=_keys(PLAN_KEYS),
        journal={"type": "array", "items": _MAPPING},
    )


def _keys(names: Iterable[str], *, required: Iterable[str] = (), **known: Mapping[str, Any]) -> Schema:
    """A mapping that may hold these keys and no others; one of which no key is required may be left empty."""
    needed = list(required)
    return {
        "type": "object" if needed else ["object", "null"],
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
        "properties": {name: dict(known.get(name, {})) for name in names},
    }


def _named(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}
