"""Which generation of Elasticsearch's behaviour a cluster has."""

from enum import Enum


class Era(Enum):
    """7.3 to 7.9; 7.10 to 8.5; 8.6 and later."""

    SORTED_COPY = "7.3"
    SHARDS_ONLY = "7.10"
    ALLOW_LIST = "8.6"

    @classmethod
    def of(cls, version: str) -> "Era":
        """The era of a cluster whose `version.number` is this text (never the job's own version). Raises ValueError."""
        raise NotImplementedError
