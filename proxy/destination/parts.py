"""The parts of an analysis that copied fields and analyzers cannot do without, and that Elasticsearch does not copy.

Elasticsearch copies analyzers and token filters, but not the tokenizers, character filters and normalizers that those
and the fields name; before 8.6 it copies nothing of the kind at all, similarities included. Its own creation of the
index then fails (`Custom Analyzer [x] failed to find tokenizer under name [y]`). Copied here is exactly what is named,
through all steps, and nothing that only happens to stand in a source's settings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from proxy.destination.conflict import Collected, Conflict, ConflictKind
from proxy.destination.era import Era
from proxy.destination.settings import below
from proxy.destination.sourcefilter import is_field_excluded
from proxy.model import Job, SourceIndex

# Kind of part → where its definitions stand.
_PREFIXES = {
    "analyzer": "index.analysis.analyzer",
    "normalizer": "index.analysis.normalizer",
    "tokenizer": "index.analysis.tokenizer",
    "filter": "index.analysis.filter",
    "char_filter": "index.analysis.char_filter",
    "similarity": "index.similarity",
}
# What Elasticsearch copies by itself from 8.6 on, whether or not anything names it.
_COPIED_ANYWAY = ("analyzer", "filter", "similarity")
# Parameter of a field → the kind of part that it names.
_OF_FIELDS = {
    "analyzer": "analyzer",
    "search_analyzer": "analyzer",
    "search_quote_analyzer": "analyzer",
    "normalizer": "normalizer",
    "similarity": "similarity",
}
# Kind of part → its own parameters that name others, each with their kind. `filters` is a multiplexer's, a filter's
# own `filter` that of a condition.
_CHAIN = {"char_filter": "char_filter", "filter": "filter"}
_OF_PARTS = {
    "analyzer": {"tokenizer": "tokenizer", **_CHAIN},
    "normalizer": _CHAIN,
    "filter": {"filters": "filter", "filter": "filter"},
}

_Part = tuple[str, str]


def analysis_parts(job: Job, sources: Sequence[SourceIndex], era: Era) -> dict[str, Any]:
    """Flat settings, to be added to those of `merge_settings`.

    The order of the sources does not matter. Raises Refusal 400 `status_exception` where two sources define a part
    differently, in the words that Elasticsearch has for analyzers.
    """
    merged = _collect(job, sources, era).merged()
    return {
        f"{key}.{name}" if name else key: value
        for key, definition in merged.items()
        for name, value in definition.items()
    }


def parts_conflicts(job: Job, sources: Sequence[SourceIndex], era: Era) -> tuple[Conflict, ...]:
    """All parts that are needed and that two sources define differently, by key."""
    return _collect(job, sources, era).conflicts()


def _collect(job: Job, sources: Sequence[SourceIndex], era: Era) -> Collected:
    collected = Collected(ConflictKind.SETTINGS)
    left_out = _COPIED_ANYWAY if era is Era.ALLOW_LIST else ()
    for source in _different(sources):
        defined = _defined(source.settings)
        if not defined:
            continue
        wanted = [part for part in defined if part[0] in left_out]
        wanted += _named_by_fields(job, source)
        reached = sorted(part for part in _reached(wanted, defined) if part[0] not in left_out)
        collected.add(source.name, {f"{_PREFIXES[kind]}.{name}": defined[kind, name] for kind, name in reached})
    return collected


def _different(sources: Sequence[SourceIndex]) -> Iterator[SourceIndex]:
    """One source of all that share both their settings and their mappings, in order of name."""
    seen: set[tuple[int, int]] = set()
    for source in sorted(sources, key=lambda source: source.name):
        both = (id(source.settings), id(source.mappings))
        if both not in seen:
            seen.add(both)
            yield source


def _defined(settings: Mapping[str, Any]) -> dict[_Part, dict[str, Any]]:
    """All parts that a source's settings define, each with what stands below it."""
    found: dict[_Part, dict[str, Any]] = {}
    for kind, prefix in _PREFIXES.items():
        for name in {key.partition(".")[0] for key in below(settings, prefix)} - {""}:
            found[kind, name] = below(settings, f"{prefix}.{name}")
    return found


def _named_by_fields(job: Job, source: SourceIndex) -> list[_Part]:
    properties = source.mappings.get("properties", {})
    found: list[_Part] = []
    open_ = [definition for name, definition in properties.items() if not is_field_excluded(job.source_filter, name)]
    while open_:
        definition = open_.pop()
        if not isinstance(definition, Mapping):
            continue
        found += [(kind, str(definition[key])) for key, kind in _OF_FIELDS.items() if key in definition]
        for below_it in (definition.get("properties"), definition.get("fields")):
            open_ += below_it.values() if isinstance(below_it, Mapping) else ()
    return found


def _reached(wanted: Iterable[_Part], defined: Mapping[_Part, Mapping[str, Any]]) -> set[_Part]:
    """What is wanted and all that it names, as far as it is defined: what is not is built in, or missing there, too."""
    found: set[_Part] = set()
    open_ = list(wanted)
    while open_:
        part = open_.pop()
        if part in found or part not in defined:
            continue
        found.add(part)
        for key, kind in _OF_PARTS.get(part[0], {}).items():
            open_ += ((kind, name) for name in _names(defined[part], key))
    return found


def _names(definition: Mapping[str, Any], key: str) -> Iterator[str]:
    """The names in a parameter: a list, a text with commas, or both (`filters: ["lowercase, my_stemmer"]`)."""
    value = definition.get(key, ())
    for text in [value] if isinstance(value, str) else value:
        yield from (name.strip() for name in str(text).split(",") if name.strip())
