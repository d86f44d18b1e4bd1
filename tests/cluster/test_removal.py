"""The removal of a destination: only when that is safe, and in as few rounds as that takes."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from proxy.cluster.removal import OTHERS_BLOCK, WRITES_LEFT, allow_writes, left_blocked, remove_if_empty
from proxy.errors import ClusterUnreachable
from tests.cluster.nodes import ANN, Script, node, refusal, reply, transport

MISSING = refusal(404, "index_not_found_exception", "no such index [out]")
META = {"created_by": "data-frame-analytics", "analytics": "outliers", "creation_date_in_millis": 5}


def there(uuid: str = "u1", meta: Any = META, name: str = "out") -> bytes:
    settings = {"index.uuid": uuid, "index.number_of_shards": "2"}
    return reply(200, {name: {"settings": settings, "mappings": {"_meta": meta}, "aliases": {}}})


def copy(highest: Any = -1, *, primary: bool = True, state: str = "STARTED") -> dict[str, Any]:
    """A copy of a shard in the statistics; `highest` is its highest sequence number."""
    return {"routing": {"state": state, "primary": primary}, "seq_no": {"max_seq_no": highest}}


def stats(*shards: Any, uuid: str = "u1", name: str = "out") -> bytes:
    return reply(200, {"indices": {name: {"uuid": uuid, "shards": dict(zip("01234", shards, strict=False))}}})


BLOCK = {"acknowledged": True, "shards_acknowledged": True, "indices": [{"name": "out", "blocked": True}]}
EMPTY = {
    "GET /out": there(),
    "PUT /out/_block/write": reply(200, BLOCK),
    "GET /out/_stats/docs": stats([copy()], [copy()]),
    "DELETE /out": reply(200, {"acknowledged": True}),
    "PUT /out/_settings": reply(200, {"acknowledged": True}),
}
# What is answered where the block is there already.
AGAIN = {"acknowledged": True, "shards_acknowledged": False, "indices": []}
CHECKED = ["GET /out", "PUT /out/_block/write", "GET /out/_stats/docs"]
LIFTED = "PUT /out/_settings"


BLOCKED = {
    "settings": {"index.uuid": "u1", "index.number_of_shards": "2", "index.blocks.write": "true"},
    "mappings": {"_meta": META},
}


async def removed(
    script: Script | None = None, idle: Sequence[bool] = (True, True), *, left: bool = False
) -> tuple[str, list[str]]:
    """What was done, and the calls; `idle` is what is said of the job, time after time."""
    said = iter(idle)

    async def asked() -> bool:
        return next(said)

    async with node({**EMPTY, **(script or {})}) as one, transport(one.url) as opened:
        done = await remove_if_empty(opened, "out", META, ANN, asked, left=left)
        for seen in one.seen:
            if seen.call == LIFTED:
                assert json.loads(seen.body) == {"index.blocks.write": None}
        return done, one.calls


async def test_an_empty_index_of_ours_is_removed() -> None:
    """Blocked first, then looked into: what is deleted is what was looked into."""
    assert await removed() == ("removed", [*CHECKED, "DELETE /out"])


async def test_a_block_of_an_earlier_removal_is_put_anew() -> None:
    """No shard acknowledges one that is there; and the writes of before may not have ended."""
    left = {"GET /out": reply(200, {"out": BLOCKED | {"aliases": {}}})}
    calls = ["GET /out", LIFTED, *CHECKED[1:], "DELETE /out"]
    assert await removed(left, left=True) == ("removed", calls)


OTHERS = "kept: somebody else has blocked it"


async def test_a_block_of_somebody_else_stays() -> None:
    """It may be another removal's, which has looked and deletes: what is written after it is lifted would be lost."""
    assert await removed({"GET /out": reply(200, {"out": BLOCKED})}) == (OTHERS, CHECKED[:1])
    assert await removed({"GET /out": reply(200, {"out": BLOCKED})}, (False,)) == (
        "kept: a job is using it",
        CHECKED[:1],
    )


@pytest.mark.parametrize("listed", [[], [5], [{"name": "out-1"}]])
async def test_a_block_that_somebody_else_puts_meanwhile_stays(listed: Any) -> None:
    answer = {"acknowledged": True, "shards_acknowledged": False, "indices": listed}
    assert await removed({"PUT /out/_block/write": reply(200, answer)}) == (OTHERS, CHECKED[:2])


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


@pytest.mark.parametrize(
    ("found", "idle", "calls"),
    [
        (there(), (False,), ["GET /out"]),
        (reply(200, {"out": BLOCKED}), (False,), ["GET /out", LIFTED]),
        (there(), (True, False), [*CHECKED, LIFTED]),
    ],
)
async def test_an_index_that_its_job_needs_by_now_is_kept(found: bytes, idle: Sequence[bool], calls: list[str]) -> None:
    """The job may have been started through another gate, with nothing copied yet."""
    assert await removed({"GET /out": found}, idle, left=True) == ("kept: a job is using it", calls)


@pytest.mark.parametrize("first", [True, False])
async def test_where_nobody_can_tell_whether_it_is_needed_it_is_kept(first: bool) -> None:
    asked = 0

    async def idle() -> bool:
        nonlocal asked
        asked += 1
        if first or asked == 2:
            raise ClusterUnreachable("no answer")
        return True

    async with node(EMPTY) as one, transport(one.url) as opened:
        assert await remove_if_empty(opened, "out", META, ANN, idle) == "unknown: no answer"
        assert "DELETE /out" not in one.calls
        assert (LIFTED in one.calls) is not first


async def test_four_calls_are_waited_for() -> None:
    """Nothing is asked about a job but along with a call, which is not answered before."""
    met = asyncio.Event()
    asked: list[str] = []

    async def idle() -> bool:
        asked.append("idle")
        met.set()
        return True

    async with node(EMPTY) as one, transport(one.url) as opened:
        call = opened.call

        async def together(method: str, path: str, *more: Any, **named: Any) -> Any:
            asked.append(f"{method} {path.partition('?')[0]}")
            if method == "GET":
                await met.wait()
                met.clear()
            return await call(method, path, *more, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(opened, "call", together)
            assert await remove_if_empty(opened, "out", META, ANN, idle) == "removed"
    assert [one for one in asked if one != "idle"] == [*CHECKED, "DELETE /out"]
    assert len(asked) == 6


async def test_no_more_is_asked_of_the_statistics_than_is_looked_at() -> None:
    async with node(EMPTY) as one, transport(one.url) as opened:

        async def idle() -> bool:
            return True

        assert await remove_if_empty(opened, "out", META, ANN, idle) == "removed"
        [line] = [seen.line for seen in one.seen if seen.call == "GET /out/_stats/docs"]
    assert line.split(" ")[1] == (
        "/out/_stats/docs?level=shards&filter_path=indices.*.uuid,indices.*.shards.*.routing.primary,"
        "indices.*.shards.*.routing.state,indices.*.shards.*.seq_no.max_seq_no"
    )


@pytest.mark.parametrize(
    "shards",
    [
        ([copy(), copy(primary=False)], [copy(primary=False), copy()]),
        ([copy(state="RELOCATING"), copy(state="INITIALIZING")], [copy()]),
        ([copy(), copy(primary=False, state="INITIALIZING")], [copy()]),
    ],
)
async def test_replicas_and_moving_shards_do_not_keep_it(shards: Sequence[Any]) -> None:
    assert (await removed({"GET /out/_stats/docs": stats(*shards)}))[0] == "removed"


PARTLY = "kept: not all of its shards could be looked into"
WRITTEN = "kept: it has been written to"
ANOTHER = "kept: another index has taken the name"


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        (stats([copy(0)], [copy()]), WRITTEN),
        (stats([copy()], [copy(7)]), WRITTEN),
        (stats([copy(), copy(0, primary=False)], [copy()]), WRITTEN),
        (stats([copy(0)]), WRITTEN),
        (stats([copy(None)], [copy()]), WRITTEN),
        # A shard of which no copy is at work is not told of at all.
        (stats([copy()]), PARTLY),
        (stats([copy()], [copy(primary=False)]), PARTLY),
        # One that recovers says -1 until it has read what it holds.
        (stats([copy()], [copy(state="INITIALIZING")]), PARTLY),
        (stats([copy()], [copy()], [copy()]), PARTLY),
        (stats([copy()], [{"routing": {"state": "STARTED", "primary": True}}]), PARTLY),
        (stats([copy()], [{"seq_no": {"max_seq_no": -1}}]), PARTLY),
        (stats([copy()], 5), PARTLY),
        (stats([copy()], [5]), PARTLY),
        (stats(), PARTLY),
        (reply(200, {"indices": {"out": {"uuid": "u1"}}}), PARTLY),
        (stats([copy()], [copy()], uuid="u2"), ANOTHER),
        (stats([copy()], [copy()], name="out-1"), PARTLY),
        (reply(200, {"indices": {"out": 5}}), PARTLY),
        (reply(200, {"indices": 5}), PARTLY),
        (reply(200, {}), PARTLY),
        (reply(200, [1]), PARTLY),
    ],
)
async def test_an_index_that_may_be_in_use_is_kept_and_may_be_written_again(answer: bytes, done: str) -> None:
    assert await removed({"GET /out/_stats/docs": answer}) == (done, [*CHECKED, LIFTED])


async def test_an_index_whose_shards_are_not_counted_is_kept() -> None:
    found = reply(200, {"out": {"settings": {"index.uuid": "u1"}, "mappings": {"_meta": META}}})
    script = {"GET /out": found, "GET /out/_stats/docs": stats()}
    assert await removed(script) == (PARTLY, [*CHECKED, LIFTED])


@pytest.mark.parametrize(
    ("after", "done", "calls"),
    [
        ([reply(200, BLOCK)], "removed", [CHECKED[2], "DELETE /out"]),
        ([reply(200, AGAIN)], OTHERS_BLOCK, []),
        ([b"", reply(200, AGAIN)], WRITES_LEFT, [CHECKED[1], LIFTED]),
        ([refusal(403, reason="no")], "kept: no", [LIFTED]),
    ],
)
async def test_a_block_that_was_sent_twice_is_put_anew(after: list[bytes], done: str, calls: list[str]) -> None:
    """The connection breaks after the first, and aiohttp sends it again (RFC 9110 §9.2.2): the second finds the block
    of the first, and asks no shard."""
    script = {"PUT /out/_block/write": [b"", reply(200, AGAIN), *after]}
    assert await removed(script) == (done, [*CHECKED[:2], CHECKED[1], LIFTED, CHECKED[1], *calls])


@pytest.mark.parametrize(
    ("after", "done", "calls"),
    [
        ([reply(200, BLOCK)], "removed", [CHECKED[2], "DELETE /out"]),
        ([reply(200, AGAIN)], OTHERS_BLOCK, []),
        ([refusal(503)], "unknown: ", [LIFTED]),
    ],
)
async def test_a_block_whose_answer_is_lost_is_put_anew_once(after: list[bytes], done: str, calls: list[str]) -> None:
    """It may have been put by a node that was gone before it could say so; another may be at hand."""
    told, called = await removed({"PUT /out/_block/write": [refusal(503), *after]})
    assert told.startswith(done)
    assert called == [*CHECKED[:2], LIFTED, CHECKED[1], *calls]


async def test_of_a_block_that_was_sent_twice_an_answer_that_says_nothing_is_not_believed() -> None:
    script = {"PUT /out/_block/write": [b"", reply(200, [1])]}
    assert await removed(script) == (WRITES_LEFT, [*CHECKED[:2], CHECKED[1], LIFTED])


@pytest.mark.parametrize(
    "answer",
    [{**BLOCK, "shards_acknowledged": False}, {"indices": BLOCK["indices"]}, {}, {"indices": {}}, [1]],
)
async def test_nothing_is_looked_at_before_all_writes_have_ended(answer: Any) -> None:
    told = "kept: not all of its shards have finished the writes under way"
    assert await removed({"PUT /out/_block/write": reply(200, answer)}) == (told, [*CHECKED[:2], LIFTED])


@pytest.mark.parametrize(
    ("call", "before"),
    [
        ("PUT /out/_block/write", CHECKED[:2]),
        ("GET /out/_stats/docs", CHECKED[:3]),
        ("DELETE /out", [*CHECKED, "DELETE /out"]),
    ],
)
@pytest.mark.parametrize(("answer", "done"), [(refusal(403, reason="no"), "kept: no"), (refusal(503), "unknown: ")])
async def test_whatever_fails_the_block_is_lifted(call: str, before: list[str], answer: bytes, done: str) -> None:
    """A block whose answer was lost may have been put all the same."""
    told, called = await removed(script={call: answer})
    assert told.startswith(done)
    assert called[: len(before)] == before
    assert LIFTED in called[len(before) :]
    assert ("DELETE /out" in called) is (call == "DELETE /out")


async def test_a_block_that_cannot_be_lifted_is_told() -> None:
    script = {"DELETE /out": refusal(403, reason="not allowed"), LIFTED: refusal(403, reason="neither")}
    told, _ = await removed(script=script)
    assert told == "kept: not allowed; its write block (index.blocks.write) could not be lifted: neither"


@pytest.mark.parametrize(("answer", "done"), [(refusal(403, reason="no"), "kept: no"), (refusal(503), "unknown: ")])
async def test_an_index_that_cannot_be_looked_at_is_kept(answer: bytes, done: str) -> None:
    told, called = await removed(script={"GET /out": answer})
    assert told.startswith(done)
    assert called == ["GET /out"]


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
