"""The settings that are copied from the sources (`DestinationIndex.settings`).

Numbers are the maximum of what the sources set explicitly: a default of another source does not count. Similarity must
be equal as a whole among the sources that set any; analyzers and token filters must be equal by name and are united.
Tokenizers, character filters and normalizers are copied only where they are needed (`parts`), all else is not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.destination.conflict import Collected, Conflict, ConflictKind
from proxy.destination.distinct import by_settings
from proxy.destination.era import Era
from proxy.errors import Refusal
from proxy.model import SourceIndex

_SHARDS = ("index.number_of_shards", "index.number_of_replicas")
_LIMITS = tuple(
    f"index.mapping.{name}.limit"
    for name in ("total_fields", "depth", "nested_fields", "nested_objects", "field_name_length", "dimension_fields")
)
_SIMILARITY = "index.similarity"
_NAMED = ("index.analysis.filter", "index.analysis.analyzer")
_SORT = {"index.sort.field": "ml__id_copy", "index.sort.order": "asc"}


def merge_settings(sources: Sequence[SourceIndex], era: Era) -> dict[str, Any]:
    """Flat settings of the destination; a key that no source sets is left out, so that the cluster's default holds.

    The order of the sources does not matter. Raises Refusal 400 `status_exception` at a conflict, or where a number
    is not one.
    """
    merged: dict[str, Any] = {}
    different = tuple(by_settings(sources))
    for key in _SHARDS if era is not Era.ALLOW_LIST else _SHARDS + _LIMITS:
        values = [_number(source, key) for source in different if key in source.settings]
        if values:
            merged[key] = max(values)
    if era is Era.SORTED_COPY:
        merged |= _SORT
    for key, block in _collect(sources, era).merged().items():
        merged |= {f"{key}.{name}" if name else key: value for name, value in block.items()}
    return merged


def settings_conflicts(sources: Sequence[SourceIndex], era: Era) -> tuple[Conflict, ...]:
    """All conflicts between the settings of the sources, by key."""
    return _collect(sources, era).conflicts()


def _collect(sources: Sequence[SourceIndex], era: Era) -> Collected:
    collected = Collected(ConflictKind.SETTINGS)
    if era is not Era.ALLOW_LIST:
        return collected
    for source in by_settings(sources):
        similarity = below(source.settings, _SIMILARITY)
        blocks: dict[str, Any] = {_SIMILARITY: similarity} if similarity else {}
        for prefix in _NAMED:
            names = {key.partition(".")[0] for key in below(source.settings, prefix)}
            blocks |= {key: below(source.settings, key) for key in (f"{prefix}.{name}" for name in sorted(names))}
        collected.add(source.name, blocks)
    return collected


def below(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The flat settings below a prefix, without it, as settings keep them: texts and lists of texts.

    A setting's own value, if it has one, has the empty name.
    """
    return {
        key[len(prefix) + 1 :]: _plain(value)
        for key, value in sorted(settings.items())
        if key == prefix or key.startswith(prefix + ".")
    }


def _plain(value: object) -> object:
    # Settings know texts and lists of texts only.
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(source: SourceIndex, key: str) -> int:
    value = source.settings[key]
    try:
        return int(str(value))
    except ValueError:
        text = f"Failed to parse long setting [{key}] with value [{value}] in index [{source.name}]"
        raise Refusal(400, "status_exception", text) from None
