"""What of the sources' fields makes Elasticsearch refuse a start (`ExtractedFieldsDetector`), told from mappings alone.

Said is only what is certain: whatever depends on documents, on a version's list of types, or on kinds of fields that
bring forth others by themselves (nested, flattened, passthrough, runtime objects) is for the cluster to judge.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proxy.destination.distinct import by_mappings
from proxy.model import Job, SourceFilter, SourceIndex

# No version of outlier detection takes fields of these types.
_NEVER_OUTLYING = frozenset({"text", "keyword", "date", "ip", "geo_point", "geo_shape"})
_NUMBERS = frozenset({"byte", "short", "integer", "long", "half_float", "float", "double", "scaled_float"})
_NO_FIELD = "at least one field must be included in the analysis"


def missing_field(job: Job, sources: Sequence[SourceIndex]) -> str | None:
    """Elasticsearch's text where the analysis needs a field that no source has; None where one has, or may have."""
    name = dependent_variable(job)
    if name is None or not sources or name.startswith("_") or _is_at_or_below(job.runtime_mappings, name):
        return None
    if any(_may_have(source.mappings, name) for source in by_mappings(sources)):
        return None
    if job.analysis == "classification":
        # Its classes are counted first, and that is what finds no field.
        return f"no mappings could be found for field [{name}]"
    return f"required field [{name}] is missing; analysis requires fields [{name}]"


def no_field_left(job: Job, sources: Sequence[SourceIndex]) -> str | None:
    """Elasticsearch's text where the sources have no field that the analysis could take besides what it must have.

    None where there is one, or may be: a classification's classes are counted before, so it is never certain there.
    """
    if job.analysis not in ("outlier_detection", "regression") or not sources or job.runtime_mappings:
        return None
    if job.config.get("analyzed_fields") or job.analysis_settings.get("feature_processors"):
        return None
    name = dependent_variable(job)
    if name is not None and job.source_filter != SourceFilter():
        return None
    for source in by_mappings(sources):
        if source.mappings.get("runtime"):
            return None
        for path, definition in _fields(source.mappings):
            if not _is_of_no_use(job, path == name, definition):
                return None
    return _NO_FIELD if name is None else f"{_NO_FIELD} (excluding fields [{name}])"


def dependent_variable(job: Job) -> str | None:
    """The field that a regression or classification predicts."""
    name = job.analysis_settings.get("dependent_variable")
    return name if isinstance(name, str) and job.analysis in ("regression", "classification") else None


def _is_of_no_use(job: Job, dependent: bool, definition: Mapping[str, Any]) -> bool:
    kind = definition.get("type")
    if job.analysis == "outlier_detection":
        below = _below(definition, "fields").values()
        return kind in _NEVER_OUTLYING and all(_definition(one).get("type") in _NEVER_OUTLYING for one in below)
    return dependent and kind in _NUMBERS and not definition.get("fields")


def _is_at_or_below(names: Mapping[str, Any], path: str) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:depth]) in names for depth in range(1, len(parts) + 1))


def _may_have(mappings: Mapping[str, Any], path: str) -> bool:
    if _is_at_or_below(_below(mappings, "runtime"), path):
        return True
    # Names may hold dots where subobjects are off, so that every beginning of the path may be one.
    open_ = [(mappings, path)]
    while open_:
        parent, rest = open_.pop()
        properties = _below(parent, "properties")
        if rest in properties:
            return True
        begun = [(_definition(properties[name]), beyond) for name, beyond in _splits(rest) if name in properties]
        if any(definition.get("type", "object") != "object" for definition, _ in begun):
            return True
        open_ += begun
    return any(definition.get("type") == "passthrough" for _, definition in _fields(mappings))


def _splits(path: str) -> list[tuple[str, str]]:
    """Each beginning of a dotted path, with what is left of the path behind it."""
    parts = path.split(".")
    return [(".".join(parts[:depth]), ".".join(parts[depth:])) for depth in range(1, len(parts))]


def _fields(mappings: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All fields with their paths, plain objects left out."""
    open_: list[tuple[str, Mapping[str, Any]]] = [("", mappings)]
    while open_:
        prefix, parent = open_.pop()
        for name, given in _below(parent, "properties").items():
            definition = _definition(given)
            if definition.get("type", "object") == "object":
                open_.append((f"{prefix}{name}.", definition))
            else:
                yield f"{prefix}{name}", definition


def _below(definition: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = definition.get(key)
    return found if isinstance(found, Mapping) else {}


def _definition(given: object) -> Mapping[str, Any]:
    """A field's definition; what is none counts as a type that nothing is known of."""
    if isinstance(given, Mapping) and isinstance(given.get("type", ""), str):
        return given
    return {"type": "unknown"}
