"""Sources and destination: read as Elasticsearch resolves them, created, and removed only when that is safe."""

import json
from typing import Any

import pytest

from proxy.cluster.indices import (
    CALLS_AT_ONCE,
    allow_writes,
    create,
    documents,
    facts,
    index,
    left_blocked,
    remove_if_empty,
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


async def test_a_long_list_with_exclusions_is_not_taken_apart(many: list[str]) -> None:
    async with node() as one, transport(one.url) as opened:
        with pytest.raises(Refusal, match="exclusions is longer than 3500 bytes"):
            await facts(opened, [*many, "-source-00001*"], "out", ANN)
        assert one.seen == []


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
        assert found == IndexState(name=wanted, uuid=f"u-{wanted}", mappings={})


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


def stats(documents: int) -> bytes:
    return reply(200, {"_all": {"primaries": {"docs": {"count": documents, "deleted": 0}}}})


WHOLE = {"_shards": {"total": 2, "successful": 1, "failed": 0}}
EMPTY = {
    "GET /out": there(),
    "PUT /out/_block/write": reply(200, {"acknowledged": True}),
    "POST /out/_refresh": reply(200, WHOLE),
    "GET /out/_count": reply(200, {"count": 0, **WHOLE}),
    "GET /out/_stats/docs": stats(0),
    "DELETE /out": reply(200, {"acknowledged": True}),
    "PUT /out/_settings": reply(200, {"acknowledged": True}),
}
COUNTED = ["GET /out/_count", "GET /out/_stats/docs"]
CHECKED = ["GET /out", "PUT /out/_block/write", "POST /out/_refresh", *COUNTED, "GET /out"]
LIFTED = "PUT /out/_settings"


async def removed(**answers: Any) -> tuple[str, list[str]]:
    async with node({**EMPTY, **answers.get("script", {})}) as one, transport(one.url) as opened:
        done = await remove_if_empty(opened, "out", META, ANN)
        for seen in one.seen:
            if seen.call == LIFTED:
                assert json.loads(seen.body) == {"index.blocks.write": None}
        return done, one.calls


async def test_an_empty_index_of_ours_is_removed() -> None:
    """Blocked first, then made visible, then counted: what is deleted is what was counted."""
    assert await removed() == ("removed", [*CHECKED, "DELETE /out"])


async def test_what_a_template_adds_to_meta_does_not_make_it_anothers() -> None:
    more = {**META, "managed_by": "fleet"}
    assert await removed(script={"GET /out": there(meta=more)}) == ("removed", [*CHECKED, "DELETE /out"])
    less = {name: value for name, value in META.items() if name != "analytics"}
    assert (await removed(script={"GET /out": there(meta=less)}))[0].startswith("kept: it is not the index")


async def test_an_index_that_is_gone_is_removed_already() -> None:
    assert await removed(script={"GET /out": MISSING}) == ("removed already", ["GET /out"])


@pytest.mark.parametrize("found", [there(meta={"x": 1}), there(meta=None), there(name="out-1")])
async def test_an_index_of_somebody_else_is_not_touched(found: bytes) -> None:
    assert await removed(script={"GET /out": found}) == (
        "kept: it is not the index that was made for this start",
        ["GET /out"],
    )


PARTLY = "kept: not all of its shards could be looked into"


@pytest.mark.parametrize(
    ("script", "done"),
    [
        ({"GET /out/_count": reply(200, {"count": 3, **WHOLE})}, "kept: it holds 3 documents"),
        ({"GET /out/_count": reply(200, WHOLE)}, "kept: it holds None documents"),
        # Document-level security hides documents from a count.
        ({"GET /out/_stats/docs": stats(3)}, "kept: it holds 3 documents"),
        ({"GET /out/_stats/docs": reply(200, {"_all": {}})}, "kept: it holds None documents"),
        ({"GET /out": [there(), there("u2")]}, "kept: another index has taken the name"),
        ({"GET /out": [there(), MISSING]}, "kept: another index has taken the name"),
        (
            {"GET /out/_count": reply(200, {"count": 0, "_shards": {"failed": 1}})},
            PARTLY,
        ),
        (
            {"POST /out/_refresh": reply(200, {"_shards": {"failed": 1}})},
            PARTLY,
        ),
        ({"GET /out/_count": reply(200, [1])}, PARTLY),
        (
            {"GET /out/_count": reply(200, {"count": 0, "_shards": 1})},
            PARTLY,
        ),
    ],
)
async def test_an_index_in_use_is_kept_and_may_be_written_again(script: dict[str, Any], done: str) -> None:
    assert await removed(script=script) == (done, [*CHECKED, LIFTED])


@pytest.mark.parametrize(
    ("call", "calls"),
    [
        ("PUT /out/_block/write", CHECKED[:2]),
        ("POST /out/_refresh", CHECKED[:3]),
        ("GET /out/_count", CHECKED[:4]),
        ("GET /out/_stats/docs", CHECKED[:5]),
        ("DELETE /out", [*CHECKED, "DELETE /out"]),
    ],
)
@pytest.mark.parametrize(("answer", "done"), [(refusal(403, reason="no"), "kept: no"), (refusal(503), "unknown: ")])
async def test_whatever_fails_the_block_is_lifted(call: str, calls: list[str], answer: bytes, done: str) -> None:
    """A block whose answer was lost may have been put all the same."""
    told, called = await removed(script={call: answer})
    assert told.startswith(done)
    assert called == [*calls, LIFTED]


async def test_a_block_that_cannot_be_lifted_is_told() -> None:
    script = {"DELETE /out": refusal(403, reason="not allowed"), LIFTED: refusal(403, reason="neither")}
    told, _ = await removed(script=script)
    assert told == "kept: not allowed; its write block (index.blocks.write) could not be lifted: neither"


@pytest.mark.parametrize(("answer", "done"), [(refusal(403, reason="no"), "kept: no"), (refusal(503), "unknown: ")])
async def test_an_index_that_cannot_be_looked_at_is_kept(answer: bytes, done: str) -> None:
    told, called = await removed(script={"GET /out": answer})
    assert told.startswith(done)
    assert called == ["GET /out"]


BLOCKED = {"settings": {"index.uuid": "u1", "index.blocks.write": "true"}, "mappings": {"_meta": META}}


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (reply(200, {"out": BLOCKED}), True),
        (reply(200, {"out-1": BLOCKED}), False),
        (reply(200, {"out": {**BLOCKED, "mappings": {}}}), False),
        (there(), False),
        (MISSING, False),
    ],
)
async def test_a_removal_that_was_not_finished_is_known_by_its_block(found: bytes, left: bool) -> None:
    async with node({"GET /out": found}) as one, transport(one.url) as opened:
        assert await left_blocked(opened, "out", META, ANN) is left


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (reply(200, {}), ""),
        (refusal(403, reason="no"), "; its write block (index.blocks.write) could not be lifted: no"),
    ],
)
async def test_writes_are_allowed_again(answer: bytes, told: str) -> None:
    async with node({LIFTED: answer}) as one, transport(one.url) as opened:
        assert await allow_writes(opened, "out", ANN) == f"kept: a job is using it{told}"
        assert json.loads(one.seen[0].body) == {"index.blocks.write": None}


async def test_documents_are_counted() -> None:
    async with node({"GET /out/_count": reply(200, {"count": 3})}) as one, transport(one.url) as opened:
        assert await documents(opened, "out", ANN) == 3


@pytest.mark.parametrize("content", [{}, [], {"count": None}, {"count": "many"}])
async def test_a_count_that_is_none_is_no_answer(content: Any) -> None:
    async with node({"GET /out/_count": reply(200, content)}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable, match="GET /out/_count: the answer lacks"):
            await documents(opened, "out", ANN)
