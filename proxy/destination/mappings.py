"""The mapping that the sources have in common."""

from collections.abc import Sequence
from typing import Any

from proxy.model import Job, SourceIndex


def merge_mappings(job: Job, sources: Sequence[SourceIndex]) -> dict[str, Any]:
    """`dynamic`, `properties`, `runtime` of the sources merged. Raises Refusal 400 at a conflict."""
    raise NotImplementedError
