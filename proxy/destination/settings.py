"""The settings that are copied from the sources."""

from collections.abc import Sequence
from typing import Any

from proxy.destination.era import Era
from proxy.model import SourceIndex


def merge_settings(sources: Sequence[SourceIndex], era: Era) -> dict[str, Any]:
    """Flat settings of the destination. Raises Refusal 400 at a conflict."""
    raise NotImplementedError
