"""What index templates give, as far as it can be told."""

from typing import Any

import pytest

from proxy.cluster.templates import given
from proxy.gate.ports import Given
from tests.cluster.nodes import ANN, node, refusal, reply, transport

CALL = "POST /_index_template/_simulate_index/a%2Fb"
LEGACY = "GET /_template"


async def asked(answer: bytes, legacy: bytes | None = None) -> Given | None:
    async with node({CALL: answer, LEGACY: legacy or reply(200, {})}) as one, transport(one.url) as opened:
        return await given(opened, "a/b", ANN)


async def test_what_a_template_gives() -> None:
    template: dict[str, Any] = {
        "settings": {"index": {"codec": "x", "mapping": {"total_fields": {"limit": "9"}}, "sort.field": ["a"]}},
        "mappings": {"properties": {"a": {"type": "long"}}},
        "aliases": {"z": {}, "y": {}},
    }
    legacy = reply(200, {"old": {"index_patterns": ["*"], "settings": {"index.codec": "y"}}})
    assert await asked(reply(200, {"template": template, "overlapping": []}), legacy) == Given(
        settings={"index.codec": "x", "index.mapping.total_fields.limit": "9", "index.sort.field": ["a"]},
        mappings=template["mappings"],
        aliases=("y", "z"),
    )


@pytest.mark.parametrize("content", [{}, {"template": {}}])
async def test_no_template_gives_nothing(content: Any) -> None:
    assert await asked(reply(200, content)) == Given()


async def test_legacy_templates_apply_where_no_other_does() -> None:
    legacy = {
        "high": {"index_patterns": ["a*"], "order": 2, "settings": {"index.codec": "x"}, "aliases": {"z": {}}},
        "low": {
            "index_patterns": ["*"],
            "settings": {"index.codec": "y", "index.priority": "1"},
            "mappings": {"dynamic": "strict"},
        },
        "other": {"index_patterns": ["b*"], "settings": {"index.codec": "z"}},
    }
    assert await asked(reply(200, {}), reply(200, legacy)) == Given(
        settings={"index.codec": "x", "index.priority": "1"},
        mappings={"dynamic": "strict"},
        aliases=("z",),
        legacy=True,
    )


@pytest.mark.parametrize(
    ("answer", "legacy"),
    [
        (refusal(403, "security_exception", "no"), None),
        (refusal(400, "illegal_argument_exception", "no handler"), None),
        (refusal(500, "exception", "x"), None),
        (reply(200, []), reply(200, [])),
        (reply(200, 5), None),
        (reply(200, {"template": 1}), None),
        (reply(200, {"template": {"settings": 1}}), None),
        (reply(200, {"template": {"mappings": []}}), None),
        (reply(200, {"template": {"aliases": []}}), None),
        (reply(200, {}), refusal(403)),
        (reply(200, {}), reply(200, [])),
        (reply(200, {}), reply(200, {"a": 1})),
        (reply(200, {}), reply(200, {"a": {"index_patterns": ["*"], "settings": []}})),
        (reply(200, {}), reply(200, {"a": {"index_patterns": ["*"], "order": "high"}})),
        (reply(200, {}), reply(200, {"a": {"index_patterns": 5}})),
    ],
)
async def test_what_cannot_be_told_is_not_known(answer: bytes, legacy: bytes | None) -> None:
    assert await asked(answer, legacy) is None


async def test_a_node_that_is_away_tells_nothing() -> None:
    async with transport("http://127.0.0.1:9") as opened:
        assert await given(opened, "a", ANN) is None
