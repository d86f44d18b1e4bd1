"""What index templates give, as far as it can be told."""

from typing import Any

import pytest

from proxy.cluster.templates import given
from proxy.gate.ports import Given
from tests.cluster.nodes import ANN, node, refusal, reply, transport

CALL = "POST /_index_template/_simulate_index/a%2Fb"


async def asked(answer: bytes) -> Given | None:
    async with node({CALL: answer}) as one, transport(one.url) as opened:
        return await given(opened, "a/b", ANN)


async def test_what_a_template_gives() -> None:
    template: dict[str, Any] = {
        "settings": {"index": {"codec": "x", "mapping": {"total_fields": {"limit": "9"}}, "sort.field": ["a"]}},
        "mappings": {"properties": {"a": {"type": "long"}}},
        "aliases": {"z": {}, "y": {}},
    }
    assert await asked(reply(200, {"template": template, "overlapping": []})) == Given(
        settings={"index.codec": "x", "index.mapping.total_fields.limit": "9", "index.sort.field": ["a"]},
        mappings=template["mappings"],
        aliases=("y", "z"),
    )


@pytest.mark.parametrize("content", [{}, {"template": {}}])
async def test_no_template_gives_nothing(content: Any) -> None:
    assert await asked(reply(200, content)) == Given()


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403, "security_exception", "no"),
        refusal(400, "illegal_argument_exception", "no handler"),
        refusal(500, "exception", "x"),
        reply(200, []),
        reply(200, {"template": 1}),
        reply(200, {"template": {"settings": 1}}),
        reply(200, {"template": {"mappings": []}}),
        reply(200, {"template": {"aliases": []}}),
    ],
)
async def test_what_cannot_be_told_is_not_known(answer: bytes) -> None:
    assert await asked(answer) is None


async def test_a_node_that_is_away_tells_nothing() -> None:
    async with transport("http://127.0.0.1:9") as opened:
        assert await given(opened, "a", ANN) is None
