"""Fills an embedded cluster with what starts are made of: a source of flights, two users, and jobs of four kinds."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import aiohttp

from proxy.embedded.app import Cluster

_SOURCE = "flights"
# Has no documents: the cluster refuses to start a job that reads it.
_VOID = "void"
_DOCUMENTS = 20
_WARM = 4
# The mapping of Kibana's sample flights: the width of an ordinary source.
_KEYWORDS = (
    *("Carrier", "Dest", "DestAirportID", "DestCityName", "DestCountry", "DestRegion", "DestWeather"),
    *("FlightDelayType", "FlightNum", "FlightTimeHour"),
    *("Origin", "OriginAirportID", "OriginCityName", "OriginCountry", "OriginRegion", "OriginWeather"),
)
_FLOATS = ("AvgTicketPrice", "DistanceKilometers", "DistanceMiles", "FlightTimeMin")
_PROPERTIES: Mapping[str, Any] = {
    **{name: {"type": "keyword"} for name in _KEYWORDS},
    **{name: {"type": "float"} for name in _FLOATS},
    "Cancelled": {"type": "boolean"},
    "FlightDelay": {"type": "boolean"},
    "FlightDelayMin": {"type": "integer"},
    "DestLocation": {"type": "geo_point"},
    "OriginLocation": {"type": "geo_point"},
    "dayOfWeek": {"type": "integer"},
    "timestamp": {"type": "date"},
}
_ON_DESTINATION = {"names": ["out-*"], "privileges": ["read", "create_index", "manage", "index"]}
_ON_SOURCE = {"names": [_SOURCE, _VOID], "privileges": ["read", "view_index_metadata"]}


class Kind(StrEnum):
    """What the gate finds when the start arrives."""

    FIRST = "first"
    LATER = "later"
    DENIED = "denied"
    REFUSED = "refused"  # by the cluster, after the destination was made: it is removed again


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The jobs of one kind of start, each good for one start, and who starts them; `status` is what must come back."""

    kind: Kind
    authorization: str
    status: int
    warm: tuple[str, ...]
    sampled: tuple[tuple[str, ...], ...]
    counted: tuple[str, ...]


_STATUS = {Kind.FIRST: 200, Kind.LATER: 200, Kind.DENIED: 403, Kind.REFUSED: 400}


class Calls:
    """Calls to the cluster that must succeed."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def call(self, method: str, path: str, body: str, authorization: str) -> None:
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        async with self._session.request(method, f"{self._url}/{path}", data=body, headers=headers) as answer:
            if answer.status >= 300:
                raise ConnectionError(f"{method} {path}: {answer.status}: {(await answer.read())[:1000]!r}")


async def prepare(
    cluster: Cluster, *, counted: int, sampled: int, rounds: int, kinds: Sequence[Kind] = tuple(Kind)
) -> list[Stage]:
    """Make everything that a benchmark of starts needs: `counted` jobs of each kind, and `sampled` for each round."""
    cluster.add_role("starters", {"cluster": ["manage_ml", "monitor"], "indices": [_ON_SOURCE, _ON_DESTINATION]})
    cluster.add_role("strangers", {"cluster": ["manage_ml", "monitor"], "indices": [_ON_DESTINATION]})
    starter = cluster.add_user("starter", "starter-secret", ["starters"])
    stranger = cluster.add_user("stranger", "stranger-secret", ["strangers"])
    async with aiohttp.ClientSession() as session:
        calls = Calls(session, cluster.url)
        await _fill_source(calls, cluster.superuser)
        stages = []
        for kind in kinds:
            names = (f"{kind}-{number}" for number in itertools.count())
            stages.append(
                Stage(
                    kind=kind,
                    authorization=stranger if kind is Kind.DENIED else starter,
                    status=_STATUS[kind],
                    warm=await _made(calls, kind, names, _WARM, starter),
                    sampled=tuple([await _made(calls, kind, names, sampled, starter) for _ in range(rounds)]),
                    counted=await _made(calls, kind, names, counted, starter),
                )
            )
        return stages


async def jobs_for(cluster: Cluster, like: Stage, sampled: int, rounds: int) -> Stage:
    """More jobs for whoever starts those of a stage, to be started without the gate."""
    names = (f"direct-{number}" for number in itertools.count())
    async with aiohttp.ClientSession() as session:
        calls = Calls(session, cluster.url)
        return replace(
            like,
            warm=await _made(calls, like.kind, names, _WARM, like.authorization),
            sampled=tuple([await _made(calls, like.kind, names, sampled, like.authorization) for _ in range(rounds)]),
            counted=(),
        )


async def _fill_source(calls: Calls, authorization: str) -> None:
    settings = {"number_of_shards": 2, "number_of_replicas": 0}
    body = {"settings": {"index": settings}, "mappings": {"properties": _PROPERTIES}}
    for name in (_SOURCE, _VOID):
        await calls.call("PUT", name, json.dumps(body), authorization)
    for number in range(_DOCUMENTS):
        flight = {"FlightNum": f"F{number}", "AvgTicketPrice": 100.0 + number * number, "DistanceMiles": 10.0 * number}
        path = f"{_SOURCE}/_doc/{number}?refresh=true"
        await calls.call("PUT", path, json.dumps(flight), authorization)


async def _made(calls: Calls, kind: Kind, names: Iterator[str], count: int, owner: str) -> tuple[str, ...]:
    """The names of `count` new jobs of the user `owner`."""
    jobs = tuple(itertools.islice(names, count))
    for job in jobs:
        destination = f"out-{job}"
        if kind is Kind.LATER:
            await calls.call("PUT", destination, json.dumps({"mappings": {"properties": _PROPERTIES}}), owner)
        body = {
            "source": {"index": [_VOID if kind is Kind.REFUSED else _SOURCE]},
            "dest": {"index": destination, "results_field": "ml"},
            "analysis": {"outlier_detection": {"n_neighbors": 2}},
            "analyzed_fields": {"includes": ["AvgTicketPrice", "DistanceMiles"]},
            "model_memory_limit": "50mb",
        }
        await calls.call("PUT", f"_ml/data_frame/analytics/{job}", json.dumps(body), owner)
    return jobs
