"""The whole body of the create-index request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.destination.era import Era
from proxy.model import Job, SourceIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationBody:
    """`settings` flat (`index.number_of_shards`), `mappings` as a create-index request takes them."""

    settings: Mapping[str, Any]
    mappings: Mapping[str, Any]


def destination_body(
    job: Job,
    sources: Sequence[SourceIndex],
    era: Era,
    now_ms: int,
    *,
    results: bool,
    dependent_types: Sequence[str] = (),
) -> DestinationBody:
    """What to create. `results=False`: without result fields. Raises Refusal 400 with Elasticsearch's texts."""
    raise NotImplementedError
