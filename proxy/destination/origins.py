"""Where each setting and field of a planned destination comes from."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from proxy.destination.distinct import by_mappings, by_settings
from proxy.destination.era import Era
from proxy.destination.results import id_mapping
from proxy.model import Job, SourceIndex


class OriginKind(StrEnum):
    """What a part of the destination is owed to.

    - `index`: a source index has it so;
    - `override`: a rule file says so;
    - `job`: the job's `source.runtime_mappings` have it;
    - `added`: Elasticsearch adds it to each destination, and so does Startgate.
    """

    INDEX = "index"
    OVERRIDE = "override"
    JOB = "job"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`index` is a source's name, for INDEX; `place` is `file:line`, for OVERRIDE."""

    kind: OriginKind
    index: str | None = None
    place: str | None = None

    @property
    def text(self) -> str:
        """The origin in words."""
        match self.kind:
            case OriginKind.INDEX:
                return f"from index {self.index}"
            case OriginKind.OVERRIDE:
                return f"override in {self.place}"
            case OriginKind.JOB:
                return "from the job's source.runtime_mappings"
        return "added, as Elasticsearch does"


ADDED = Origin(kind=OriginKind.ADDED)
JOB = Origin(kind=OriginKind.JOB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """By setting, by top-level field, by runtime field, and by what else stands at the root of the mapping."""

    settings: Mapping[str, Origin] = field(default_factory=dict)
    fields: Mapping[str, Origin] = field(default_factory=dict)
    runtime: Mapping[str, Origin] = field(default_factory=dict)
    root: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many settings, top-level fields and runtime fields there are of each kind; what there is none of is not
        named."""
        parts = {"settings": self.settings, "fields": self.fields, "runtime": self.runtime}
        counted = {part: Counter(origin.kind.value for origin in found.values()) for part, found in parts.items()}
        return {part: dict(sorted(counts.items())) for part, counts in counted.items() if counts}


def origins(
    job: Job,
    sources: Sequence[SourceIndex],
    era: Era,
    body: Mapping[str, Any],
    overrides: Mapping[str, str] | None = None,
) -> Origins:
    """The origins of all that a create body has (`settings` flat, `mappings`), as made of these sources.

    Where several sources have the same, the first by name stands for all; of a number, the first of those whose value
    is the maximum. `overrides` are settings that rule files set, each with its `file:line`.
    """
    mappings = body["mappings"]
    settings = tuple(by_settings(sources))
    return Origins(
        settings={key: _setting(key, value, settings, overrides or {}) for key, value in body["settings"].items()},
        fields=_fields("properties", mappings, sources, dict.fromkeys(id_mapping(era), ADDED)),
        runtime=_fields("runtime", mappings, sources, dict.fromkeys(job.runtime_mappings, JOB)),
        root={key: ADDED for key in mappings if key not in ("properties", "runtime")},
    )


def _setting(key: str, value: object, ordered: Iterable[SourceIndex], overrides: Mapping[str, str]) -> Origin:
    if key in overrides:
        return Origin(kind=OriginKind.OVERRIDE, place=overrides[key])
    # Numbers are a maximum, all else is equal wherever it is set.
    number = str(value) if isinstance(value, int) else None
    for source in ordered:
        held = source.settings.get(key)
        if held is not None and (number is None or str(int(str(held))) == number):
            return Origin(kind=OriginKind.INDEX, index=source.name)
    return ADDED


def _fields(
    section: str, mappings: Mapping[str, Any], sources: Sequence[SourceIndex], known: Mapping[str, Origin]
) -> dict[str, Origin]:
    found = dict(known)
    for source in by_mappings(sources):
        origin = Origin(kind=OriginKind.INDEX, index=source.name)
        for name in source.mappings.get(section, {}):
            found.setdefault(name, origin)
    return {name: found.get(name, ADDED) for name in mappings.get(section, {})}
