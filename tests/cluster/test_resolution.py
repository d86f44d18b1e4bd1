"""What the names of a job stand for, from the cluster's answers."""

from collections.abc import Sequence
from typing import Any

import pytest

from proxy.cluster.resolution import resolution
from proxy.errors import ClusterUnreachable
from proxy.rules import SourceName, Target, Unknown
from tests.cluster.nodes import ANN, Script, node, refusal, reply, transport

NOTHING: dict[str, Any] = {"indices": [], "aliases": [], "data_streams": []}
ONE: dict[str, Any] = {**NOTHING, "indices": [{"name": "a"}]}
ONE_BY_ONE = "list indices one by one, without commas"
UNAUTHORIZED = refusal(403, "security_exception", "action [indices:admin/aliases/get] is unauthorized for user [ann]")
NO_INDEX = refusal(404, "index_not_found_exception", "no such index [x]")


async def resolved(
    script: Script, *sources: str, destination: str = "out"
) -> tuple[tuple[SourceName, ...] | Unknown, Target | Unknown, Sequence[str]]:
    async with node({"GET /out/_alias": NO_INDEX, **script}) as one, transport(one.url) as opened:
        found, target = await resolution(opened, sources, destination, ANN)
        return found, target, sorted(one.calls)


async def test_all_that_leads_to_an_index_is_told() -> None:
    answer = {
        "indices": [
            {"name": "b", "attributes": ["open"]},
            {"name": "a", "aliases": ["z"], "attributes": ["open"]},
            {"name": ".ds-logs-2", "attributes": ["hidden", "open"], "data_stream": "logs"},
        ],
        "aliases": [{"name": "all", "indices": ["hr", "a"]}, {"name": "one", "indices": "hr"}],
        "data_streams": [
            {"name": "logs", "backing_indices": [".ds-logs-1", ".ds-logs-2"], "timestamp_field": "@timestamp"},
            {"name": "solo", "backing_indices": ".ds-solo-1"},
        ],
    }
    found, target, calls = await resolved({"GET /_resolve/index/a,b,all": reply(200, answer)}, "a", "b", "all")
    assert found == (
        SourceName(name=".ds-logs-1", data_stream="logs"),
        SourceName(name=".ds-logs-2", data_stream="logs"),
        SourceName(name=".ds-solo-1", data_stream="solo"),
        SourceName(name="a", aliases=("all", "z")),
        SourceName(name="b"),
        SourceName(name="hr", aliases=("all", "one")),
    )
    assert target == Target()
    assert calls == ["GET /_resolve/index/a,b,all", "GET /out/_alias"]


async def test_a_long_list_is_asked_for_in_pieces_and_put_together() -> None:
    names = [f"{number:04}-{'x' * 100}" for number in range(60)]
    every = {**NOTHING, "aliases": [{"name": names[0], "indices": ["i"]}]}
    more = {**NOTHING, "aliases": [{"name": names[-1], "indices": ["i", "j"]}]}
    first, second = ",".join(names[:33]), ",".join(names[33:])
    script = {f"GET /_resolve/index/{first}": reply(200, every), f"GET /_resolve/index/{second}": reply(200, more)}
    found, _, _ = await resolved(script, *names)
    assert found == (
        SourceName(name="i", aliases=(names[0], names[-1])),
        SourceName(name="j", aliases=(names[-1],)),
    )


async def test_what_exclusions_leave_is_what_a_search_would_read() -> None:
    """`_resolve/index` takes away less than a search where an alias is met, or more: it is asked for names alone."""
    everything = {**NOTHING, "indices": [{"name": "b1"}], "aliases": [{"name": "al", "indices": ["a1", "a2"]}]}
    script = {
        "GET /_resolve/index/al,*": reply(200, everything),
        "GET /al,*,-a*/_settings/index.uuid": reply(200, {"a1": {}, "new": {}}),
    }
    found, _, calls = await resolved(script, "al", "*", "-a*")
    assert found == (SourceName(name="a1", aliases=("al",)), SourceName(name="new"))
    assert calls == ["GET /_resolve/index/al,*", "GET /al,*,-a*/_settings/index.uuid", "GET /out/_alias"]


@pytest.mark.parametrize("sources", [(), ("",), ("a,b",)])
async def test_what_is_no_list_of_expressions_is_not_asked_for(sources: tuple[str, ...]) -> None:
    found, target, calls = await resolved({}, *sources)
    assert (found, target, calls) == (Unknown(ONE_BY_ONE), Target(), ["GET /out/_alias"])


async def test_a_source_that_is_missing_is_the_clusters_to_tell() -> None:
    found, target, _ = await resolved({"GET /_resolve/index/x": NO_INDEX}, "x")
    assert (found, target) == (Unknown("no such index [x]"), Target())


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        ({"out": {"aliases": {}}}, Target(name="out")),
        ({"out": {"aliases": {"z": {}, "y": {}}}}, Target(name="out", aliases=("y", "z"))),
        ({"real": {"aliases": {"out": {}}}}, Target(name="real", aliases=("out",))),
        (
            {"r1": {"aliases": {"out": {}}}, "r2": {"aliases": {"out": {"is_write_index": True}}}},
            Target(name="r2", aliases=("out",)),
        ),
        ({"r2": {"aliases": {"out": {}}}, "r1": {"aliases": {"out": None}}}, Target(name="r1", aliases=("out",))),
        ({}, Target()),
    ],
)
async def test_the_index_behind_the_destination(answer: Any, target: Target) -> None:
    script = {"GET /_resolve/index/a": reply(200, NOTHING), "GET /out/_alias": reply(200, answer)}
    assert (await resolved(script, "a"))[1] == target


async def test_a_destination_that_may_not_be_looked_at_is_the_clusters_to_tell() -> None:
    """The sources are told all the same, and the reason names the destination alone."""
    script = {"GET /_resolve/index/a": reply(200, ONE), "GET /out/_alias": UNAUTHORIZED}
    found, target, _ = await resolved(script, "a")
    assert found == (SourceName(name="a"),)
    assert target == Unknown("the caller may not look it up, for want of [view_index_metadata] on [out]")


async def test_sources_that_may_not_be_looked_at_are_told_apart_from_the_destination() -> None:
    script = {"GET /_resolve/index/a,b": UNAUTHORIZED, "GET /out/_alias": reply(200, {"out": {"aliases": {}}})}
    found, target, _ = await resolved(script, "a", "b")
    assert found == Unknown("the caller may not look it up, for want of [view_index_metadata] on [a,b]")
    assert target == Target(name="out")


async def test_a_job_that_names_many_sources_is_told_briefly() -> None:
    names = [f"{number:03}-{'x' * 40}" for number in range(40)]  # few enough for one call
    asked = f"GET /_resolve/index/{','.join(names)}"
    found, _, _ = await resolved({asked: UNAUTHORIZED}, *names)
    told = f"for want of [view_index_metadata] on [{','.join(names[:5])}] and 35 more"
    assert found == Unknown(f"the caller may not look it up, {told}")


async def test_another_refusal_is_told_in_the_clusters_words() -> None:
    blocked = refusal(403, "cluster_block_exception", "index [out] blocked by: [FORBIDDEN/9/index metadata]")
    _, target, _ = await resolved({"GET /_resolve/index/a": reply(200, ONE), "GET /out/_alias": blocked}, "a")
    assert target == Unknown("index [out] blocked by: [FORBIDDEN/9/index metadata]")


@pytest.mark.parametrize(
    "script",
    [
        {"GET /_resolve/index/a": reply(200, [])},
        {"GET /_resolve/index/a": reply(200, {"indices": []})},
        {"GET /_resolve/index/a": reply(200, {**NOTHING, "indices": [{}]})},
        {"GET /_resolve/index/a": reply(200, NOTHING), "GET /out/_alias": reply(200, {"out": 1})},
        {"GET /_resolve/index/a": reply(200, NOTHING), "GET /out/_alias": reply(200, [])},
    ],
)
async def test_what_is_no_answer_is_none(script: Script) -> None:
    with pytest.raises(ClusterUnreachable):
        await resolved(script, "a")


async def test_everything_is_asked_for_by_a_wildcard() -> None:
    """`_all` 7.17 passes over, as if nothing were there."""
    answer = {**NOTHING, "indices": [{"name": "a", "aliases": [], "attributes": ["open"]}]}
    found, _, _ = await resolved({"GET /_resolve/index/*": reply(200, answer)}, "_all")
    assert found == (SourceName(name="a"),)
