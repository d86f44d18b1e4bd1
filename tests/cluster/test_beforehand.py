"""What the cluster says of an index before it is created, and what of that is told."""

import json
from typing import Any

import pytest

from proxy.cluster.beforehand import PRIORITY, foretell
from proxy.gate.ports import Foretold
from tests.cluster.nodes import ANN, node, refusal, reply, transport

CALL, LISTED = "POST /_index_template/_simulate_index/out-1", "GET /_index_template"
BODY = {"settings": {"index.codec": "x"}, "mappings": {"dynamic": False}}
FINE = reply(200, {"template": {}})
NONE = reply(200, {})


async def asked(answer: bytes = FINE, listed: bytes = NONE, *, settings: bool = True) -> tuple[Foretold, list[str]]:
    async with node({CALL: answer, LISTED: listed}) as one, transport(one.url) as opened:
        found = await foretell(opened, "out-1", BODY, ANN, settings=settings)
        for seen in one.seen:
            if seen.call == CALL:
                assert json.loads(seen.body) == {"index_patterns": ["out-1"], "priority": PRIORITY, "template": BODY}
        return found, sorted(one.calls)


async def test_what_is_fine_is_fine() -> None:
    assert await asked() == (Foretold(), [LISTED, CALL])
    assert await asked(settings=False) == (Foretold(), [LISTED])


WRAPPED = "index_template [simulate_index_template_x1] invalid, cause [Validation Failed: 1: {}]"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            refusal(400, "invalid_index_template_exception", WRAPPED.format("unknown setting [index.a] please;")),
            "unknown setting [index.a] please",
        ),
        (refusal(400, "invalid_index_template_exception", WRAPPED.format("first;2: second;")), "first"),
        (refusal(400, "illegal_argument_exception", "routing partition size [5]"), "routing partition size [5]"),
        (
            reply(
                400,
                {
                    "error": {
                        "type": "illegal_argument_exception",
                        "reason": "composable template [x] template after composition is invalid",
                        "caused_by": {
                            "reason": "invalid",
                            "caused_by": {"type": "t", "reason": "Limit of total fields"},
                        },
                    }
                },
            ),
            "Limit of total fields",
        ),
    ],
)
async def test_a_refusal_is_told_as_the_creation_would_tell_it(answer: bytes, reason: str) -> None:
    found, _ = await asked(answer)
    assert found.problem is not None
    assert (found.problem.status, found.problem.type) == (400, "illegal_argument_exception")
    assert (found.problem.reason, found.unchecked) == (reason, "")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (refusal(403, reason="action is unauthorized"), "action is unauthorized"),
        (reply(400, {"error": "no handler found for uri", "status": 400}), "no handler found for uri"),
        (refusal(405, "x", "not allowed"), "not allowed"),
        (refusal(400, "illegal_argument_exception", "templates that have the same priority"), "same priority"),
        (refusal(503, "x", "busy"), "busy"),
    ],
)
async def test_what_cannot_be_asked_is_not_checked(answer: bytes, why: str) -> None:
    found, _ = await asked(answer)
    assert found.problem is None
    assert why in found.unchecked


def named(name: str, *patterns: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "index_template": {"index_patterns": list(patterns), **more}}


STREAMS = named("streams", "out-*", priority=5, data_stream={})


@pytest.mark.parametrize(
    ("templates", "streams"),
    [
        ([STREAMS], True),
        ([STREAMS, named("low", "*", priority=4)], True),
        ([STREAMS, named("high", "*", priority=6)], False),
        ([named("plain", "out-*"), named("other", "out-2", "o?t-*", data_stream={})], False),
        ([], False),
    ],
)
async def test_a_name_that_is_kept_for_data_streams_is_told(templates: list[Any], streams: bool) -> None:
    found, _ = await asked(listed=reply(200, {"index_templates": templates}))
    assert (found.problem is not None) is streams
    if found.problem is not None:
        assert found.problem.reason == (
            "cannot create index with name [out-1], because it matches with template [streams] that creates data "
            "streams only, use create data stream api instead"
        )


@pytest.mark.parametrize(
    "listed",
    [
        refusal(403),
        refusal(500),
        reply(200, []),
        reply(200, {"index_templates": 1}),
        reply(200, {"index_templates": [{}]}),
        reply(200, {"index_templates": [named("a", "out-*", priority="x")]}),
    ],
)
async def test_templates_that_cannot_be_read_keep_nothing_up(listed: bytes) -> None:
    assert await asked(listed=listed) == (Foretold(), [LISTED, CALL])
