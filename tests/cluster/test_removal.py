"""The removal of a destination: only when that is safe, and in as few rounds as that takes."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from proxy.cluster.removal import allow_writes, left_blocked, remove_if_empty
from proxy.errors import ClusterUnreachable
from tests.cluster.nodes import ANN, Script, node, refusal, reply, transport

MISSING = refusal(404, "index_not_found_exception", "no such index [out]")
META = {"created_by": "data-frame-analytics", "analytics": "outliers", "creation_date_in_millis": 5}


def there(uuid: str = "u1", meta: Any = META, name: str = "out") -> bytes:
    return reply(200, {name: {"settings": {"index.uuid": uuid}, "mappings": {"_meta": meta}, "aliases": {}}})


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
BLOCKED_FIRST = ["GET /out", "PUT /out/_block/write", "POST /out/_refresh"]
# These are asked at the same time, in whatever order.
CHECKED = [*BLOCKED_FIRST, *sorted(["GET /out/_count", "GET /out/_stats/docs", "GET /out"])]
LIFTED = "PUT /out/_settings"


BLOCKED = {"settings": {"index.uuid": "u1", "index.blocks.write": "true"}, "mappings": {"_meta": META}}


async def removed(script: Script | None = None, idle: Sequence[bool] = (True, True)) -> tuple[str, list[str]]:
    """What was done, and the calls; `idle` is what is said of the job, time after time."""
    said = iter(idle)

    async def asked() -> bool:
        return next(said)

    async with node({**EMPTY, **(script or {})}) as one, transport(one.url) as opened:
        done = await remove_if_empty(opened, "out", META, ANN, asked)
        for seen in one.seen:
            if seen.call == LIFTED:
                assert json.loads(seen.body) == {"index.blocks.write": None}
        calls = one.calls
        return done, [*calls[:3], *sorted(calls[3:6]), *calls[6:]]


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
    assert await removed({"GET /out": found}, idle) == ("kept: a job is using it", calls)


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


async def test_five_calls_are_waited_for() -> None:
    """A node that answers the three questions of one round only when all of them are there."""
    met = asyncio.Event()
    asked: list[str] = []

    async def idle() -> bool:
        asked.append("idle")
        return True

    async with node(EMPTY) as one, transport(one.url) as opened:
        call = opened.call

        async def together(method: str, path: str, *more: Any, **named: Any) -> Any:
            asked.append(f"{method} {path.partition('?')[0]}")
            if len(asked) in (5, 6, 7):
                met.set() if len(asked) == 7 else await met.wait()
            return await call(method, path, *more, **named)

        one.script["GET /out"] = [there(), there()]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(opened, "call", together)
            assert await remove_if_empty(opened, "out", META, ANN, idle) == "removed"
    assert len(asked) == 9


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
    ("call", "before"),
    [
        ("PUT /out/_block/write", CHECKED[:2]),
        ("POST /out/_refresh", CHECKED[:3]),
        ("GET /out/_count", CHECKED[:3]),
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
