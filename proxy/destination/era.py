"""Which generation of Elasticsearch's behaviour a cluster has, told from its version number."""

import re
from collections.abc import Mapping
from enum import Enum

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:-.*)?")

# Destination indices whose `_meta` names an older version are deleted and made anew by Elasticsearch
# (`DestinationIndex.MIN_COMPATIBLE_VERSION`).
OLDEST_COMPATIBLE = "7.10.0"

# From 8.10 on a job's configuration and `_meta` carry a version of their own, which starts at 10 (`MlConfigVersion`).
FIRST_CONFIG_VERSION = "10.0.0"


def parse_version(text: str) -> tuple[int, int, int]:
    """Major, minor and patch of a version such as `8.15.3` or `9.1.0-SNAPSHOT`. Raises ValueError."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ValueError(f"[{text}] is not a version number like 8.15.3")
    return int(match[1]), int(match[2]), int(match[3])


class Era(Enum):
    """What is copied into a destination; named after what tells the generations apart.

    - SORTED_COPY, 7.3 to 7.9: shards and replicas; a keyword copy of the document id, by which the index is sorted;
    - SHARDS_ONLY, 7.10 to 8.5: shards and replicas; a running number instead of the copied id, no sort;
    - ALLOW_LIST, 8.6 and later: also mapping limits, similarity, analyzers and token filters.
    """

    SORTED_COPY = (7, 3)
    SHARDS_ONLY = (7, 10)
    ALLOW_LIST = (8, 6)

    @classmethod
    def of(cls, version: str) -> "Era":
        """The era of a cluster whose `version.number` is this text; never give the job's own version.

        Raises ValueError for what is not a version, or is older than data frame analytics (7.3).
        """
        major, minor, _ = parse_version(version)
        known = [era for era in cls if era.value <= (major, minor)]
        if not known:
            raise ValueError(f"Elasticsearch {version} has no data frame analytics; 7.3 is the first that does")
        return known[-1]


def meta_version(era: Era, job_version: str, cluster_version: str | None = None) -> str:
    """What to write as `_meta.version.created`: what the cluster itself would write, as near as can be told.

    Up to 8.9 that is the cluster's version; from 8.10 the configuration version, which is the job's own unless the job
    is older than the cluster. Never a text that makes Elasticsearch throw the index away: a job's version that cannot
    be read, or is too old, is replaced by the oldest good one. See docs/decisions/015-the-version-in-meta.md.
    """
    cluster = None if cluster_version is None else parse_version(cluster_version)
    if cluster is not None and cluster < (8, 10, 0):
        return ".".join(str(part) for part in cluster)
    oldest = OLDEST_COMPATIBLE if cluster is None else FIRST_CONFIG_VERSION
    try:
        job = parse_version(job_version)
    except ValueError:
        return oldest
    good = era is Era.SORTED_COPY or job >= parse_version(oldest)
    return ".".join(str(part) for part in job) if good else oldest


def is_outdated(meta: object) -> bool:
    """Whether Elasticsearch deletes a destination with this `_meta`, to make it anew (`DestinationIndex`): it made it
    itself, and not in a version that it still takes."""
    if not isinstance(meta, Mapping) or meta.get("created_by") != "data-frame-analytics":
        return False
    version = meta.get("version")
    created = version.get("created") if isinstance(version, Mapping) else None
    try:
        return parse_version(str(created)) < parse_version(OLDEST_COMPATIBLE)
    except ValueError:
        return True
