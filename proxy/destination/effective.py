"""What an index really is once it is created: what index templates give it, with the create request laid over that.

`MetadataCreateIndexService` merges field by field: the request's definition of a field replaces a template's, objects
are united, `_meta` too, and of settings and of what else stands at the mapping's root the request wins.
"""

from collections.abc import Mapping
from typing import Any


def effective_settings(given: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Flat settings. The cluster's own defaults are not in it."""
    return dict(sorted({**given, **asked}.items()))


def effective_mappings(given: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping, or the definition of an object in one."""
    merged = {**given, **asked}
    for section in ("properties", "runtime"):
        theirs, ours = given.get(section), asked.get(section)
        if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
            merged[section] = {**theirs, **{name: _field(theirs.get(name), one) for name, one in ours.items()}}
    if "_meta" in given and "_meta" in asked:
        merged["_meta"] = _united(given["_meta"], asked["_meta"])
    return merged


def _united(theirs: Any, ours: Any) -> Any:  # noqa: ANN401 -- any JSON values
    if not (isinstance(theirs, Mapping) and isinstance(ours, Mapping)):
        return ours
    return {**theirs, **{name: _united(theirs.get(name), one) for name, one in ours.items()}}


def _field(theirs: Any, ours: Any) -> Any:  # noqa: ANN401 -- any JSON values
    both = isinstance(theirs, Mapping) and isinstance(ours, Mapping) and "properties" in theirs and "properties" in ours
    return effective_mappings(theirs, ours) if both else ours
