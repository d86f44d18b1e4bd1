"""What the demo works on: 2,000 real flights in two indices, people with and without privileges, and their jobs.

Where the flights come from is told in `NOTICE` beside this file.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "flights-2k.json"

# Wide enough for every field of a flight; the destination gets all of it, copied.
MAPPINGS: Mapping[str, Any] = {
    "properties": {
        "date": {"type": "date", "format": "yyyy/MM/dd HH:mm"},
        "delay": {"type": "integer"},
        "distance": {"type": "integer"},
        "origin": {"type": "keyword"},
        "destination": {"type": "keyword"},
    }
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index to make. `months` are those whose flights go into it."""

    name: str
    shards: int
    replicas: int
    months: tuple[str, ...]
    mappings: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """The body of its creation."""
        return {
            "settings": {"number_of_shards": self.shards, "number_of_replicas": self.replicas},
            "mappings": dict(self.mappings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who sends starts; `role` has the name of the person."""

    name: str
    password: str
    what: str
    role: Mapping[str, Any]


# The shapes of the two differ, so that what the destination takes from each can be seen: the most of both.
WINTER = Index(name="flights-winter", shards=2, replicas=0, months=("2001/01",), mappings=MAPPINGS)
SPRING = Index(name="flights-spring", shards=1, replicas=1, months=("2001/02", "2001/03"), mappings=MAPPINGS)
# Somebody once loaded airports as text. Elasticsearch cannot merge the two mappings.
ARCHIVE = Index(
    name="flights-archive",
    shards=1,
    replicas=0,
    months=(),
    mappings={"properties": {**MAPPINGS["properties"], "origin": {"type": "text"}}},
)
INDICES = (WINTER, SPRING, ARCHIVE)

DESTINATION = "flights-outliers"
JOB = "flights"
MIXED_JOB = "flights-mixed"
# Never made: its job is refused.
MIXED_DESTINATION = "flights-outliers-mixed"

_SOURCES = {"names": ["flights-winter", "flights-spring", "flights-archive"]}

# `monitor`: a client's own `info()`, with which every first try begins.
_CLUSTER = ["manage_ml", "monitor"]

ANNA = Person(
    name="anna",
    password="anna-demo",  # noqa: S106 -- made up, for a cluster that lives for a minute
    what="an analyst: may read the flights and make the outliers",
    role={
        "cluster": _CLUSTER,
        "indices": [
            {**_SOURCES, "privileges": ["read", "view_index_metadata"]},
            {"names": [f"{DESTINATION}*"], "privileges": ["read", "create_index", "manage", "index"]},
        ],
    },
)
BEN = Person(
    name="ben",
    password="ben-demo",  # noqa: S106 -- made up, for a cluster that lives for a minute
    what="an intern: may manage jobs and read the flights, no more",
    role={"cluster": _CLUSTER, "indices": [{**_SOURCES, "privileges": ["read"]}]},
)
PEOPLE = (ANNA, BEN)

# What docs/service-credential.md asks for, on the demo's indices.
SERVICE_ROLE: Mapping[str, Any] = {
    "cluster": ["monitor", "monitor_ml", "read_security"],
    "indices": [
        {**_SOURCES, "privileges": ["read", "view_index_metadata"]},
        {"names": [f"{DESTINATION}*"], "privileges": ["read", "create_index", "manage", "delete_index"]},
    ],
}


@cache
def flights() -> tuple[Mapping[str, Any], ...]:
    """The 2,000 flights, in order of their date."""
    return tuple(json.loads(FILE.read_bytes()))


def bulk_lines(index: Index) -> bytes:
    """The flights of an index as the body of a `_bulk` request to it."""
    return b"".join(_bulk_line(number, flight) for number, flight in _numbered(index))


def count(index: Index) -> int:
    """How many flights go into an index."""
    return sum(1 for _ in _numbered(index))


def job(*sources: Index, destination: str = DESTINATION) -> dict[str, Any]:
    """The configuration of a job that looks for flights unlike all others in delay and distance."""
    return {
        "source": {"index": [source.name for source in sources]},
        "dest": {"index": destination, "results_field": "ml"},
        "analysis": {"outlier_detection": {"n_neighbors": 10}},
        "analyzed_fields": {"includes": ["delay", "distance"]},
    }


def _numbered(index: Index) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return ((number, flight) for number, flight in enumerate(flights()) if flight["date"][:7] in index.months)


def _bulk_line(number: int, flight: Mapping[str, Any]) -> bytes:
    action = {"index": {"_id": str(number)}}
    return json.dumps(action).encode() + b"\n" + json.dumps(flight).encode() + b"\n"
