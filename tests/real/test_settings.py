"""What of settings genuine nodes take: parts of an analysis that a copy needs, and settings that rules lay over it."""

from collections.abc import Iterator
from typing import Any

import pytest

from proxy.destination import Era, destination_body
from proxy.model import SourceIndex
from tests.destination.samples import job
from tests.real.node import RealNode

pytestmark = pytest.mark.real

ANALYSIS = {
    "tokenizer": {"short": {"type": "standard", "max_token_length": 5}, "unused": {"type": "standard"}},
    "filter": {"no_x": {"type": "stop", "stopwords": ["x"]}},
    "analyzer": {"words": {"type": "custom", "tokenizer": "short", "filter": ["no_x"]}},
    "normalizer": {"same": {"type": "custom", "filter": []}},
}
PROPERTIES = {
    "text": {
        "type": "text",
        "analyzer": "words",
        "similarity": "flat",
        "fields": {"raw": {"type": "keyword", "normalizer": "same"}},
    }
}


@pytest.fixture
def node(real_node: RealNode) -> Iterator[RealNode]:
    """A node without the indices of these tests."""
    yield real_node
    for name in ("settings-src", "settings-out"):
        real_node.call("DELETE", f"/{name}")


def source_of(node: RealNode) -> SourceIndex:
    """A source whose fields need parts of all kinds, as the node tells of it."""
    settings = {"number_of_replicas": 0, "analysis": ANALYSIS, "similarity": {"flat": {"type": "BM25", "b": 0.1}}}
    made = node.call("PUT", "/settings-src", {"settings": settings, "mappings": {"properties": PROPERTIES}})
    assert made.status == 200, made.body
    read = node.call("GET", "/settings-src?flat_settings=true").data["settings-src"]
    return SourceIndex(name="settings-src", settings=read["settings"], mappings=read["mappings"])


def created(node: RealNode, body: Any) -> tuple[int, str]:
    """The status and the reason of creating the destination with this body."""
    answer = node.call("PUT", "/settings-out", {"settings": dict(body.settings), "mappings": dict(body.mappings)})
    return answer.status, "" if answer.status == 200 else str(answer.data["error"]["reason"])


@pytest.mark.parametrize("era", [Era.SHARDS_ONLY, Era.ALLOW_LIST])
def test_a_copy_that_needs_parts_is_accepted_and_elasticsearchs_own_is_not(node: RealNode, era: Era) -> None:
    source = source_of(node)
    theirs = destination_body(job(), [source], era, 0, results=True)
    status, reason = created(node, theirs)
    assert status == 400
    assert ("failed to find tokenizer under name [short]" if era is Era.ALLOW_LIST else "[words]") in reason
    assert node.call("HEAD", "/settings-out").status == 404
    ours = destination_body(job(), [source], era, 0, results=False)
    assert created(node, ours) == (200, "")
    read = node.call("GET", "/settings-out?flat_settings=true").data["settings-out"]["settings"]
    wanted = {key: value for key, value in source.settings.items() if "analysis" in key or "similarity" in key}
    assert {key: value for key, value in read.items() if "analysis" in key or "similarity" in key} == {
        key: value for key, value in wanted.items() if "unused" not in key
    }
    assert node.call("POST", "/settings-out/_doc", {"text": "some words x"}).status == 201


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"index.codec": "best_compression", "index.refresh_interval": "30s", "index.priority": 5}, ""),
        ({"index.codec": "nonsense"}, "unknown value for [index.codec]"),
        ({"index.nonsense": "x"}, "unknown setting [index.nonsense]"),
        ({"index.number_of_replicas": "many"}, "Failed to parse value [many] for setting [index.number_of_replicas]"),
    ],
)
def test_a_setting_that_the_node_refuses_leaves_nothing_behind(
    node: RealNode, settings: dict[str, Any], reason: str
) -> None:
    answer = node.call("PUT", "/settings-out", {"settings": settings})
    told = "" if answer.status == 200 else str(answer.data["error"]["reason"])
    assert (answer.status, told[: len(reason)]) == (400 if reason else 200, reason)
    assert node.call("HEAD", "/settings-out").status == (404 if reason else 200)
