"""`_settings`: read and change index settings."""

from typing import Any

from proxy.embedded.core import analysis, settings
from proxy.embedded.core.failure import illegal, validation
from proxy.embedded.core.mapping import Mapping
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import Options, options, resolve
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Index, Store

_REOPEN = (
    "unless the `reopen` query parameter is set to true. Alternatively, close the indices, apply the settings changes, "
    "and reopen the indices"
)
_ANY_STATE = Options(closed=True)
# What `include_defaults` shows of what an index does not set; a selection, Elasticsearch lists some 180.
_DEFAULTS: dict[str, str] = {
    "index.refresh_interval": "1s",
    "index.codec": "default",
    "index.mode": "standard",
    "index.hidden": "false",
    "index.max_result_window": "10000",
    "index.max_docvalue_fields_search": "100",
    "index.mapping.total_fields.limit": "1000",
    "index.mapping.depth.limit": "20",
    "index.mapping.nested_fields.limit": "50",
    "index.mapping.nested_objects.limit": "10000",
    "index.mapping.field_name_length.limit": "9223372036854775807",
    "index.mapping.dimension_fields.limit": "32768",
    "index.auto_expand_replicas": "false",
    "index.blocks.write": "false",
    "index.blocks.read_only": "false",
}


def get_settings(store: Store, request: Request) -> Reply:
    """`GET /_settings`, `/{index}/_settings[/{name}]`."""
    names = [part for part in request.part("name").split(",") if part and part not in ("_all", "*")]
    flat = request.flag("flat_settings")
    body: dict[str, Any] = {}
    for index in resolve(store, request.part("index"), options(request, _ANY_STATE)):
        shown = {"settings": settings.shown(index.settings, names, flat=flat)}
        if request.flag("include_defaults"):
            missing = {name: value for name, value in _DEFAULTS.items() if name not in index.settings}
            shown["defaults"] = settings.shown(missing, names, flat=flat)
        if shown["settings"] or shown.get("defaults"):
            body[index.name] = shown
    return Reply(body=body)


def put_settings(store: Store, request: Request) -> Reply:
    """`PUT /_settings`, `/{index}/_settings`: all indices are checked before any changes; null removes a setting."""
    body = request.object()
    if set(body) == {"settings"} and isinstance(body["settings"], dict):
        body = body["settings"]
    given = settings.normalise(body)
    if not given:
        raise validation("no settings to update")
    settings.validate(given)
    indices = resolve(store, request.part("index"), options(request, _ANY_STATE))
    _check_final(given, indices)
    changed = [_changed(index, given, keep=request.flag("preserve_existing")) for index in indices]
    mappings = [
        Mapping(index.mapping.root, analysis.from_settings(new)) for index, new in zip(indices, changed, strict=True)
    ]
    for index, new, mapping in zip(indices, changed, mappings, strict=True):
        index.settings, index.mapping = new, mapping
    return Reply(body={"acknowledged": True})


def _changed(index: Index, given: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    new = dict(index.settings)
    for name, value in given.items():
        if value is None:
            new.pop(name, None)
        elif not (keep and name in new):
            new[name] = value
    return new


def _check_final(given: dict[str, Any], indices: list[Index]) -> None:
    fixed = settings.not_dynamic(given)
    open_indices = [index for index in indices if not index.closed]
    if fixed and open_indices:
        names, listed = ", ".join(fixed), ", ".join(f"[{index.name}/{index.uuid}]" for index in open_indices)
        raise illegal(f"Can't update non dynamic settings [[{names}]] for open indices [{listed}] {_REOPEN}")
    final = settings.final(given)
    if final and indices:
        listed = ", ".join(f"[{index.name}/{index.uuid}]" for index in indices)
        raise illegal(f"final {listed} setting [{final[0]}], not updateable")
