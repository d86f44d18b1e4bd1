"""Sources and destination: read as Elasticsearch resolves them, created, and removed only when that is safe."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from proxy.cluster.indices import (
    CALLS_AT_ONCE,
    create,
    documents,
    facts,
    index,
    names,
)
from proxy.cluster.transport import NAMES_LIMIT_BYTES
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.gate.ports import IndexState
from proxy.model import SourceIndex
from proxy.settings import GateLimits
from tests.cluster.nodes import ANN, node, refusal, reply, transport

MAPPING, SETTINGS = (
    "GET /flights,more*/_mapping",
    (
        "GET /flights,more*/_settings/"
        "index.number_of_shards,index.number_of_replicas,index.analysis.*,index.similarity.*,index.mapping.*,"
        "index.verified_before_close"
    ),
)
MISSING = refusal(404, "index_not_found_exception", "no such index [out]")
META = {"created_by": "data-frame-analytics", "analytics": "outliers", "creation_date_in_millis": 5}


def there(uuid: str = "u1", meta: Any = META, name: str = "out") -> bytes:
    return reply(200, {name: {"settings": {"index.uuid": uuid}, "mappings": {"_meta": meta}, "aliases": {}}})


SOURCES = {
    MAPPING: reply(200, {"more1": {"mappings": {}}, "flights": {"mappings": {"properties": {"a": {"type": "long"}}}}}),
    SETTINGS: reply(200, {"flights": {"settings": {"index.number_of_shards": "2"}}, "only": {"settings": {}}}),
    "GET /out": MISSING,
}


async def test_sources_and_destination_are_read() -> None:
    async with node(SOURCES) as one, transport(one.url) as opened:
        read = await facts(opened, ["flights", "more*"], "out", ANN)
        lines = sorted(seen.line for seen in one.seen)
    assert read.destination is None
    assert read.sources == (
        SourceIndex(
            name="flights",
            settings={"index.number_of_shards": "2"},
            mappings={"properties": {"a": {"type": "long"}}},
        ),
        SourceIndex(name="more1", settings={}, mappings={}),
        SourceIndex(name="only", settings={}, mappings={}),
    )
    assert lines == [
        "GET /flights,more*/_mapping?allow_no_indices=true HTTP/1.1",
        f"{SETTINGS}?flat_settings=true&ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open HTTP/1.1",
        "GET /out?flat_settings=true HTTP/1.1",
    ]


async def test_a_missing_source_is_refused_in_elasticsearchs_words() -> None:
    script = SOURCES | {MAPPING: refusal(404, "index_not_found_exception", "no such index [flights]")}
    async with node(script) as one, transport(one.url) as opened:
        with pytest.raises(Refusal) as told:
            await facts(opened, ["flights", "more*"], "out", ANN)
    assert (told.value.status, told.value.type) == (400, "validation_exception")
    assert told.value.reason == "Validation Failed: 1: no such index [flights];"


async def test_a_source_that_is_closed_is_refused_in_elasticsearchs_words() -> None:
    closed = {"settings": {"index.verified_before_close": "true"}}
    async with node(SOURCES | {SETTINGS: reply(200, {"flights": closed})}) as one, transport(one.url) as opened:
        with pytest.raises(Refusal) as told:
            await facts(opened, ["flights", "more*"], "out", ANN)
    assert (told.value.status, told.value.type, told.value.reason) == (400, "index_closed_exception", "closed")


@pytest.mark.parametrize("sources", [[], [""], ["a", ""], ["a,b"], ["a*,b*", "c"]])
async def test_an_expression_that_a_request_line_would_read_otherwise_is_refused(sources: list[str]) -> None:
    async with node(SOURCES) as one, transport(one.url) as opened:
        with pytest.raises(Refusal, match="names no index: list indices one by one"):
            await facts(opened, sources, "out", ANN)
        assert one.seen == []


@pytest.mark.parametrize("call", [MAPPING, SETTINGS, "GET /out"])
async def test_any_other_refusal_is_passed_on(call: str) -> None:
    async with node(SOURCES | {call: refusal(403, reason=call)}) as one, transport(one.url) as opened:
        with pytest.raises(PassedOn, match="GET /"):
            await facts(opened, ["flights", "more*"], "out", ANN)


@pytest.mark.parametrize("call", [MAPPING, SETTINGS, "GET /out"])
@pytest.mark.parametrize("answer", [refusal(500), reply(200, [1]), reply(200, "x"), reply(200, {"flights": 1})])
async def test_what_is_not_understood_is_no_answer(call: str, answer: bytes) -> None:
    async with node(SOURCES | {call: answer}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable):
            await facts(opened, ["flights", "more*"], "out", ANN)


BROKEN = [
    b'{"flights":{"mappings":{"properties":{"a":{"type":"long"}}}}',
    b'{"flights":{"mappings":{}},"flights":{"mappings":{}}}',
    b'{"flights":{"mappings":{"properties":{"a":{"type":long}}}}}',
    b'{"flights":{"mappings":[]}}',
    b'{"flights":{"settings":1,"mappings":1}}',
    b"<html>",
]


@pytest.mark.parametrize("call", [MAPPING, SETTINGS])
@pytest.mark.parametrize("body", BROKEN)
async def test_what_is_broken_is_no_answer(call: str, body: bytes) -> None:
    script = SOURCES | {call: reply(200, None, ("content-type", "application/json"), raw=body)}
    if body == BROKEN[3] and call == SETTINGS:
        script[call] = reply(200, {"flights": {"settings": []}})
    async with node(script) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable, match=r"GET /flights,more\*/_(mapping|settings)"):
            await facts(opened, ["flights", "more*"], "out", ANN)


DEEP: dict[str, Any] = {"type": "long"}
for _ in range(120):
    DEEP = {"properties": {"o": DEEP}}


@pytest.mark.parametrize(
    ("limits", "mapping", "told"),
    [
        (GateLimits(source_answer_bytes=100), {f"f{n}": {} for n in range(20)}, "source_answer_bytes"),
        (GateLimits(source_distinct_bytes=100), {f"f{n}": {} for n in range(20)}, "source_distinct_bytes"),
        (GateLimits(), DEEP, r"index \[flights\] nests deeper than 200 levels"),
    ],
)
async def test_what_is_too_much_is_refused_with_the_limit(limits: GateLimits, mapping: Any, told: str) -> None:
    script = SOURCES | {MAPPING: reply(200, {"flights": {"mappings": {"properties": mapping}}})}
    async with node(script) as one, transport(one.url, limits=limits) as opened:
        with pytest.raises(Refusal, match=told) as refused:
            await facts(opened, ["flights", "more*"], "out", ANN)
    assert refused.value.status == 400


async def test_sources_that_are_alike_share_what_they_are(many: list[str]) -> None:
    """Across the pieces in which they are asked for, too: whoever merges them has one mapping to look at."""
    async with node() as one, transport(one.url) as opened:
        one.script = _Echo()
        read = await facts(opened, many, "out", ANN)
        assert len({id(source.mappings) for source in read.sources}) == 1
        assert len({id(source.settings) for source in read.sources}) == 1


async def test_sources_without_settings_share_none() -> None:
    named: dict[str, Any] = {f"i{number}": {"mappings": {}} for number in range(3)}
    async with (
        node({MAPPING: reply(200, named), SETTINGS: reply(200, {}), "GET /out": MISSING}) as one,
        transport(one.url) as opened,
    ):
        read = await facts(opened, ["flights", "more*"], "out", ANN)
    assert [source.name for source in read.sources] == ["i0", "i1", "i2"]
    assert len({id(source.settings) for source in read.sources}) == 1


@pytest.fixture
def many() -> list[str]:
    return [f"source-{number:05}-{'x' * 80}" for number in range(200)]


async def test_thousands_of_sources_are_asked_in_pieces(many: list[str]) -> None:
    async with node() as one, transport(one.url) as opened:
        one.script = _Echo()
        read = await facts(opened, many, "out", ANN)
        assert [source.name for source in read.sources] == many
        assert max(len(seen.line) for seen in one.seen) < NAMES_LIMIT_BYTES + 300
        assert sum("/_mapping" in seen.line for seen in one.seen) > 4


async def test_a_long_list_takes_no_more_than_its_share_of_connections(
    many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sources a job names, others' calls have to get through."""
    async with node() as one, transport(one.url) as opened:
        one.script = _Echo()
        one.pause_s = 0.01
        under_way = most = 0
        call = opened.call

        async def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await call(*arguments, **named)
            finally:
                under_way -= 1

        monkeypatch.setattr(opened, "call", counted)
        read = await facts(opened, [f"{name}-{n}" for name in many for n in range(5)], "out", ANN)
        assert len(read.sources) == 5 * len(many)
        assert CALLS_AT_ONCE <= most <= CALLS_AT_ONCE + 1


class _Echo(dict[str, Any]):
    """Every index that is asked for exists, but for the destination."""

    def get(self, call: str, default: Any = None) -> bytes:
        names = call.split("/")[1].split(",")
        return MISSING if names == ["out"] else reply(200, {name: {"mappings": {}, "settings": {}} for name in names})


class _Everything(dict[str, Any]):
    """A request stands for the plain names in it, and for `x` where none of its exclusions takes that away."""

    def get(self, call: str, default: Any = None) -> bytes:
        asked = unquote(call.split("/")[1]).split(",")
        plain = {name for name in asked if name[0] not in "-#*"} - {name[1:] for name in asked if name[0] == "-"}
        found = plain | ({"x"} if "*" in asked and "-x" not in asked else set())
        return MISSING if asked == ["out"] else reply(200, {one: {"mappings": {}, "settings": {}} for one in found})


@pytest.mark.parametrize("excluded", [["-x"], []])
async def test_a_long_list_with_exclusions_is_put_together_from_its_pieces(
    many: list[str], excluded: list[str]
) -> None:
    others = [f"-other-{number}-{'y' * 80}" for number in range(100)]
    async with node() as one, transport(one.url) as opened:
        one.script = _Everything()
        read = await facts(opened, ["*", *many, *others, *excluded, f"-{many[3]}"], "out", ANN)
        assert max(len(seen.line) for seen in one.seen) < NAMES_LIMIT_BYTES + 300
    left = [name for name in many if name != many[3]] + ([] if excluded else ["x"])
    assert [source.name for source in read.sources] == left


async def test_the_names_that_are_left_alone() -> None:
    async with node({"GET /a*,-b/_settings/index.uuid": reply(200, {"a1": {}})}) as one, transport(one.url) as opened:
        assert await names(opened, ["a*", "-b"], ANN) == {"a1"}
        assert "?flat_settings=true&allow_no_indices=true&expand_wildcards=open " in one.seen[0].line
        with pytest.raises(PassedOn):
            await names(opened, ["a"], ANN)
        one.script["GET /a/_settings/index.uuid"] = reply(200, [])
        with pytest.raises(ClusterUnreachable):
            await names(opened, ["a"], ANN)


async def test_a_short_list_with_exclusions_is_asked_as_it_is() -> None:
    async with node() as one, transport(one.url) as opened:
        one.script = _Echo()
        await facts(opened, ["a*", "-a1"], "out", ANN)
        assert any(seen.call == "GET /a*,-a1/_mapping" for seen in one.seen)


async def test_an_index_is_told_by_its_concrete_name() -> None:
    async with node({"GET /alias": there(name="out-000001")}) as one, transport(one.url) as opened:
        assert await index(opened, "alias", ANN) == IndexState(name="out-000001", uuid="u1", mappings={"_meta": META})


async def test_an_index_without_mappings_has_none() -> None:
    async with (
        node({"GET /out": reply(200, {"out": {"settings": {"index.uuid": "u"}}})}) as one,
        transport(one.url) as opened,
    ):
        found = await index(opened, "out", ANN)
        assert found is not None
        assert found.mappings == {}


@pytest.mark.parametrize(("writes", "wanted"), [("b", "b"), (None, "a")])
async def test_of_an_alias_of_several_indices_the_written_one_counts(writes: str | None, wanted: str) -> None:
    several = {
        name: {
            "aliases": {"alias": {"is_write_index": name == writes}},
            "settings": {"index.uuid": f"u-{name}"},
            "mappings": {},
        }
        for name in ("b", "c", "a")
    }
    async with node({"GET /alias": reply(200, several)}) as one, transport(one.url) as opened:
        found = await index(opened, "alias", ANN)
        assert found == IndexState(name=wanted, uuid=f"u-{wanted}", mappings={}, no_write_index=writes is None)


@pytest.mark.parametrize(
    ("body", "no_write_index", "in_data_stream"),
    [
        ({"aliases": {"out": {}}}, False, False),
        ({"aliases": {"out": {"is_write_index": True}}}, False, False),
        ({"aliases": {"out": {"is_write_index": False}}}, True, False),
        ({"aliases": {}, "data_stream": "out"}, False, True),
    ],
)
async def test_what_cannot_be_written_to_is_told(body: Any, no_write_index: bool, in_data_stream: bool) -> None:
    answer = reply(200, {"out-1": {"settings": {"index.uuid": "u"}, "mappings": {}, **body}})
    async with node({"GET /out": answer}) as one, transport(one.url) as opened:
        found = await index(opened, "out", ANN)
    assert found is not None
    assert (found.no_write_index, found.in_data_stream) == (no_write_index, in_data_stream)


@pytest.mark.parametrize(
    "content",
    [{"out": {}}, {"out": {"settings": {}}}, {"out": {"settings": {"index.uuid": "u"}, "mappings": [1]}}, [{}], 5],
)
async def test_an_index_that_is_not_understood_is_no_answer(content: Any) -> None:
    async with node({"GET /out": reply(200, content)}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable):
            await index(opened, "out", ANN)


BODY = {"settings": {"index.number_of_shards": 1}, "mappings": {"_meta": META}}
EXISTS = refusal(400, "resource_already_exists_exception", "index [out/u1] already exists")


async def created(script: dict[str, Any]) -> tuple[bool, list[str]]:
    async with node(script) as one, transport(one.url) as opened:
        made = await create(opened, "out", BODY, ANN)
        assert json.loads(one.seen[0].body) == BODY
        return made, one.calls


async def test_an_index_is_created() -> None:
    assert await created({"PUT /out": reply(200, {"acknowledged": True})}) == (True, ["PUT /out"])


async def test_an_index_that_is_there_is_somebody_elses() -> None:
    """However much it looks like this one: another gate may plan the same start in the same millisecond."""
    assert await created({"PUT /out": EXISTS, "GET /out": there()}) == (False, ["PUT /out"])


@pytest.mark.parametrize(
    ("found", "ours"),
    [(there(meta={"created_by": "somebody"}), False), (there(name="out-1"), False), (MISSING, False), (there(), True)],
)
async def test_a_put_that_was_sent_twice_may_have_made_the_index(found: bytes, ours: bool) -> None:
    """The connection breaks after the first, and aiohttp sends it again (RFC 9110 §9.2.2)."""
    assert await created({"PUT /out": [b"", EXISTS], "GET /out": found}) == (ours, ["PUT /out", "PUT /out", "GET /out"])


@pytest.mark.parametrize("answer", [refusal(400, "validation_exception", "too many shards"), refusal(403)])
async def test_a_creation_that_is_refused_is_passed_on(answer: bytes) -> None:
    with pytest.raises(PassedOn):
        await created({"PUT /out": answer})


async def test_documents_are_counted() -> None:
    async with node({"GET /out/_count": reply(200, {"count": 3})}) as one, transport(one.url) as opened:
        assert await documents(opened, "out", ANN) == 3


@pytest.mark.parametrize("content", [{}, [], {"count": None}, {"count": "many"}])
async def test_a_count_that_is_none_is_no_answer(content: Any) -> None:
    async with node({"GET /out/_count": reply(200, content)}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable, match="GET /out/_count: the answer lacks"):
            await documents(opened, "out", ANN)
