"""Which fields an analysis takes (`ExtractedFieldsDetector`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.destination import is_field_excluded
from proxy.embedded.core.texts import matches
from proxy.embedded.failure import status_error
from proxy.embedded.ml.config import source_filter
from proxy.embedded.ml.jobs import Job

NUMERIC = frozenset(
    {
        "byte",
        "double",
        "float",
        "half_float",
        "integer",
        "long",
        "scaled_float",
        "short",
        "unsigned_long",
    }
)
CATEGORICAL = frozenset({"keyword", "text", "ip", "constant_keyword", "wildcard"})
BOOLEAN = frozenset({"boolean"})
_CLASSES = BOOLEAN | frozenset({"keyword", "text", "ip", "byte", "short", "integer", "long", "unsigned_long"})
_STRUCTURE = frozenset({"object", "nested"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """One field of the sources, and whether the analysis takes it; `reason` says why not."""

    name: str
    types: tuple[str, ...]
    required: bool = False
    reason: str | None = None

    @property
    def included(self) -> bool:
        """Whether the analysis takes the field."""
        return self.reason is None

    def json(self) -> dict[str, Any]:
        """As `_explain` shows it."""
        shown: dict[str, Any] = {
            "name": self.name,
            "mapping_types": list(self.types),
            "is_included": self.included,
            "is_required": self.required,
        }
        if self.included:
            return shown | {"feature_type": "numerical" if set(self.types) <= NUMERIC | BOOLEAN else "categorical"}
        return shown | {"reason": self.reason}


def supported_types(analysis: str) -> frozenset[str]:
    """Mapping types that an analysis can use."""
    return NUMERIC | BOOLEAN if analysis == "outlier_detection" else NUMERIC | BOOLEAN | CATEGORICAL


def select_fields(job: Job, caps: Mapping[str, Any]) -> tuple[Selected, ...]:
    """All fields of the sources, by name, each with its fate. Raises `Failure` 400 where a field that was asked for
    by name cannot be taken, or a required one is missing or of a wrong type."""
    types = {
        name: tuple(sorted(by_type))
        for name, by_type in sorted(caps.items())
        if not _internal(job, name, by_type) and not set(by_type) <= _STRUCTURE
    }
    types = {name: kinds for name, kinds in types.items() if "nested" not in _parents(name, caps)}
    required = job.dependent
    if required is not None:
        _check_required(job, required, types)
    _check_asked(job, types, caps)
    reasons = {name: _reason(job, name, kinds) for name, kinds in types.items()}
    return tuple(
        Selected(name=name, types=kinds, required=name == required, reason=_without_twins(name, types, reasons))
        for name, kinds in types.items()
    )


def _internal(job: Job, name: str, by_type: Mapping[str, Any]) -> bool:
    # What earlier results left in an index is no feature of the next analysis.
    metadata = any(kind.startswith("_") or caps.get("metadata_field") for kind, caps in by_type.items())
    results = job.config["dest"]["results_field"]
    return metadata or name in ("ml__incremental_id", "ml__id_copy") or name.startswith(results + ".")


def _parents(name: str, caps: Mapping[str, Any]) -> set[str]:
    parts = name.split(".")
    above = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    return {kind for parent in above for kind in caps.get(parent, ())}


def _check_required(job: Job, name: str, types: Mapping[str, Sequence[str]]) -> None:
    if name not in types and job.analysis == "classification":
        # Its classes are counted first, and that is what finds no field.
        raise status_error(f"no mappings could be found for field [{name}]")
    if name not in types:
        raise status_error(f"required field [{name}] is missing; analysis requires fields [{name}]")
    expected = _CLASSES if job.analysis == "classification" else NUMERIC
    if not set(types[name]) <= expected:
        raise status_error(
            f"invalid types [{', '.join(types[name])}] for required field [{name}];"
            f" expected types are [{', '.join(sorted(expected))}]"
        )
    if _left_out(job, name):
        raise status_error(f"required field [{name}] is missing; analysis requires fields [{name}]")


def _check_asked(job: Job, types: Mapping[str, Sequence[str]], caps: Mapping[str, Any]) -> None:
    supported = supported_types(job.analysis)
    for name in job.config.get("analyzed_fields", {}).get("includes", ()):
        if "*" in name:
            continue
        if "nested" in _parents(name, caps) | set(caps.get(name, ())):
            raise status_error(f"nested fields [{name}] are not supported")
        if name not in types:
            raise status_error(f"no mappings could be found for field [{name}]")
        if not set(types[name]) <= supported:
            raise status_error(
                f"field [{name}] has unsupported type [{', '.join(types[name])}]."
                f" Supported types are [{', '.join(sorted(supported))}]."
            )


def _left_out(job: Job, name: str) -> bool:
    return _reason_by_name(job, name) is not None


def _reason_by_name(job: Job, name: str) -> str | None:
    analyzed = job.config.get("analyzed_fields", {})
    includes, excludes = analyzed.get("includes", ()), analyzed.get("excludes", ())
    if is_field_excluded(source_filter(job.config), name):
        return "field in source._source.excludes" if not includes else "field not in source._source.includes"
    if includes and not any(matches(pattern, name) for pattern in includes):
        return "field not in includes list"
    return "field in excludes list" if any(matches(pattern, name) for pattern in excludes) else None


def _reason(job: Job, name: str, kinds: Sequence[str]) -> str | None:
    supported = supported_types(job.analysis)
    if not set(kinds) <= supported:
        return f"unsupported type; supported types are [{', '.join(sorted(supported))}]"
    return _reason_by_name(job, name)


def _without_twins(name: str, types: Mapping[str, Any], reasons: Mapping[str, str | None]) -> str | None:
    """A multi-field is the same data twice: only its parent is taken, where that can be."""
    parent = name.rpartition(".")[0]
    if reasons[name] is None and parent in types and reasons[parent] is None:
        return f"[{parent}] is preferred because it is the parent of this multi-field"
    return reasons[name]
