"""Which fields `source._source` leaves out."""

from proxy.model import SourceFilter


def is_field_excluded(source_filter: SourceFilter, path: str) -> bool:
    """Whether the job does not copy the field of this dotted path."""
    raise NotImplementedError
