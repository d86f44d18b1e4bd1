"""The description of the API in OpenAPI 3.1, made from the table of endpoints that is served, so that it cannot differ
from it. `/v1/openapi.json` and `startgate schema api` tell it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, Final, get_type_hints

import msgspec
from aiohttp import web

from proxy.admin.api import Call, Endpoint, ErrorAnswer, Role
from proxy.admin.dispatch import CSRF_HEADER, json_answer

PATH: Final = "/v1/openapi.json"
_REF: Final = "#/components/schemas/{name}"
_PART: Final = re.compile(r"\{([a-z_]+)\}")
_ANSWERS: Final[Mapping[int, str]] = {
    400: "What is asked for is not right: `where` and `allowed` say what.",
    401: "Nobody known asks.",
    403: "Who asks may not do this.",
    404: "There is no such thing.",
    408: "The body took too long.",
    409: "It is under way already.",
    413: "The body is too long.",
    415: "The body is of another type.",
    421: "The port was called by a name that is not its own.",
    422: "What was asked for was tried, and refused.",
    429: "Too many failed, or ask at once.",
    500: "An internal error, told by an id.",
    502: "The cluster answers with something else than was asked for.",
    503: "Somebody who is needed for it does not answer: the cluster or the gate.",
}
_ALWAYS: Final = (400, 401, 403, 421, 429, 500, 503)


def document(table: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document. Paths are in the order of the table."""
    table = [one for one in table if not one.is_page]
    types = _types(table)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    known = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in table:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Startgate's admin API",
            "version": "1",
            "description": "Starts, rules, plans, traffic and the journal of a running Startgate. See docs/admin.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token from `admin.tokens`."},
    "user": {"type": "http", "scheme": "basic", "description": "A user of the cluster, with a password."},
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "An API key of the cluster's: `ApiKey <encoded>`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-startgate",
        "description": f"Of `POST /v1/session` (`startgate` without TLS). Changes need `{CSRF_HEADER}`, too.",
    },
}


def endpoints(table: Sequence[Endpoint]) -> list[Endpoint]:
    """The endpoint that tells of a table, itself among it."""

    async def show(_call: Call) -> web.Response:
        return json_answer(200, told)

    own = Endpoint(
        method="GET",
        path=PATH,
        role=Role.ANYBODY,
        handler=show,
        summary="This document.",
        answer=Mapping[str, Any],
    )
    told = document([*table, own])
    return [own]


def _types(table: Iterable[Endpoint]) -> list[Any]:
    found = [kind for one in table for kind in (one.answer, one.body) if kind is not None]
    return list({repr(kind): kind for kind in (*found, ErrorAnswer)}.values())


def _operation(one: Endpoint, known: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": _id(one),
        "summary": one.summary,
        "description": f"Takes the role `{one.role.name.lower()}`.{' It is recorded.' if one.act else ''}",
        "parameters": [*map(_part, _PART.findall(one.path)), *_parameters(one)],
        "responses": _responses(one, known),
        "security": [] if one.role is Role.ANYBODY else [{name: []} for name in _SCHEMES],
    }
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": known[repr(one.body)]}}}
    return made


def _id(one: Endpoint) -> str:
    path = _PART.sub(r"by_\1", one.path)
    return one.method.lower() + re.sub(r"[/.]", "_", path)


def _part(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _parameters(one: Endpoint) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    hints = get_type_hints(one.query)
    return [_parameter(each, hints[each.name]) for each in fields(one.query)]


def _parameter(each: "Field[Any]", kind: Any) -> dict[str, Any]:  # noqa: ANN401 -- a type, or an alias of one
    (schema,), components = msgspec.json.schema_components([kind])
    if "$ref" in schema:
        # The few kinds that a parameter can have are small: they stand where they are used.
        schema = components[schema["$ref"].rpartition("/")[2]]
    schema = {name: value for name, value in schema.items() if name not in ("title", "description")}
    if each.default is not MISSING:
        schema["default"] = msgspec.to_builtins(each.default)
    return {"name": each.name, "in": "query", "required": each.default is MISSING, "schema": schema}


def _responses(one: Endpoint, known: Mapping[str, Any]) -> dict[str, Any]:
    statuses = {*_ALWAYS, *one.statuses, *([404] if "{" in one.path else []), *((408, 413, 415) if one.changes else ())}
    schema = {"type": "string"} if one.answer is None else known[repr(one.answer)]
    good = {
        "description": "As asked for.",
        "content": {media: {"schema": schema} for media in (one.media_type, *one.also)},
    }
    error = {"application/json": {"schema": known[repr(ErrorAnswer)]}}
    return {
        "200": good,
        **{str(status): {"description": _ANSWERS[status], "content": error} for status in sorted(statuses)},
    }
