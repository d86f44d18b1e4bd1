"""`_alias` and `_aliases`."""

from dataclasses import dataclass
from typing import Any

from proxy.embedded.core import aliases
from proxy.embedded.core.failure import ElasticError, aliases_missing, illegal, validation, x_content
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.positions import key_start, value_start
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import Options, is_pattern, options, resolve
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Index, Store
from proxy.embedded.core.texts import matches

_GET = Options(closed=True, hidden=True)
_CHANGE = Options(closed=True, aliases=False)
_ACTIONS = ("add", "remove", "remove_index")


def get_alias(store: Store, request: Request) -> Reply:
    """`GET|HEAD /_alias[/{name}]`, `/{index}/_alias[/{name}]`, `/_aliases`."""
    indices = resolve(store, request.part("index"), options(request, _GET))
    names = [part for part in request.part("name").split(",") if part]
    if not names:
        return Reply(body={index.name: {"aliases": _by_name(index.aliases)} for index in indices})
    body: dict[str, Any] = {}
    for index in indices:
        found = {alias: one for alias, one in _by_name(index.aliases).items() if _wanted(alias, names)}
        if found:
            body[index.name] = {"aliases": found}
    known = {alias for index in indices for alias in index.aliases}
    missing = [name for name in names if not is_pattern(name) and not name.startswith("-") and name not in known]
    if missing:
        noun = "alias" if len(missing) == 1 else "aliases"
        return Reply(status=404, body={"error": f"{noun} [{','.join(sorted(missing))}] missing", "status": 404, **body})
    return Reply(body=body)


def put_alias(store: Store, request: Request) -> Reply:
    """`PUT|POST /{index}/_alias/{name}`."""
    body = request.object(required=False)
    name = request.part("name") or str(body.get("alias", ""))
    index = request.part("index") or str(body.get("index", ""))
    definition = {key: value for key, value in body.items() if key not in ("alias", "index")}
    aliases.put(store, resolve(store, index, options(request, _CHANGE)), name, definition)
    return _acknowledged()


def delete_alias(store: Store, request: Request) -> Reply:
    """`DELETE /{index}/_alias/{name}`."""
    indices = resolve(store, request.part("index"), options(request, _CHANGE))
    names = [part for part in request.part("name").split(",") if part]
    if not _remove(store, indices, names):
        raise aliases_missing(*names)
    return _acknowledged()


def change_aliases(store: Store, request: Request) -> Reply:
    """`POST /_aliases`: actions in order, all checked against the indices before the first is done."""
    body = request.object()
    text = request.text()
    given = body.get("actions", [])
    if not given:
        raise aliases.no_actions()
    actions = [_Action.parsed(one, text, number) for number, one in enumerate(given)]
    resolved = [(action, resolve(store, action.expression, _CHANGE)) for action in actions]
    results = [_perform(store, action, indices) for action, indices in resolved]
    failed = [fault for _, fault in results if fault is not None]
    if failed and (len(failed) == len(results) or any(fault.status != 404 for fault in failed)):
        raise failed[0]
    if not failed:
        return _acknowledged()
    return Reply(
        body={
            "acknowledged": True,
            "errors": True,
            "action_results": [
                _result(action, indices, fault) for (action, indices), (_, fault) in zip(resolved, results, strict=True)
            ],
        }
    )


@dataclass(frozen=True, slots=True)
class _Action:
    kind: str
    expression: str
    names: list[str]
    definition: dict[str, Any]
    must_exist: bool | None

    @classmethod
    def parsed(cls, source: Json, text: str, number: int) -> "_Action":
        kind = next(iter(source), "") if isinstance(source, dict) else ""
        if kind not in _ACTIONS:
            raise _unknown_action(kind, text, number)
        body = source[kind]
        indices, names = _listed(body, "index", "indices"), _listed(body, "alias", "aliases")
        if not indices:
            raise validation("One of [index] or [indices] is required")
        if kind != "remove_index" and not names:
            raise validation("One of [alias] or [aliases] is required")
        known = ("index", "indices", "alias", "aliases", "must_exist")
        definition = {key: value for key, value in body.items() if key not in known}
        return cls(kind, ",".join(indices), names, definition, body.get("must_exist"))


def _unknown_action(kind: str, text: str, number: int) -> ElasticError:
    at = ("actions", number, kind)
    line, column = key_start(text, at)
    inner = x_content((line, column), f"[alias_action] unknown field [{kind}]")
    return x_content(value_start(text, at), "[aliases] failed to parse field [actions]", inner)


def _perform(store: Store, action: _Action, indices: list[Index]) -> tuple[_Action, ElasticError | None]:
    if action.kind == "remove_index":
        for index in indices:
            store.remove(index)
    elif action.kind == "add":
        for name in action.names:
            aliases.put(store, indices, name, action.definition)
    elif not _remove(store, indices, action.names) and action.must_exist is not False:
        return action, aliases_missing(*action.names)
    return action, None


def _result(action: _Action, indices: list[Index], fault: ElasticError | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "action": {"type": action.kind, "indices": [index.name for index in indices], "aliases": action.names},
        "status": 200 if fault is None else fault.status,
    }
    return shown if fault is None else {**shown, "error": fault.detail()}


def _remove(store: Store, indices: list[Index], names: list[str]) -> bool:
    """Remove aliases; whether there were any."""
    found = [(index, alias) for index in indices for alias in list(index.aliases) if _wanted(alias, names)]
    for index, alias in found:
        store.remove_alias(index, alias)
    return bool(found)


def _wanted(alias: str, names: list[str]) -> bool:
    included = any(matches("*" if name == "_all" else name, alias) for name in names if not name.startswith("-"))
    return included and not any(matches(name[1:], alias) for name in names if name.startswith("-"))


def _by_name(found: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(found.items()))


def _listed(body: Json, one: str, many: str) -> list[str]:
    if not isinstance(body, dict):
        raise illegal("alias action must be an object")
    value = body.get(one, body.get(many))
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _acknowledged() -> Reply:
    return Reply(body={"acknowledged": True, "errors": False})
