"""What of settings genuine nodes take: parts of an analysis that a copy needs, settings that rules lay over it, and
what index templates add."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proxy.cluster.templates import given
from proxy.destination import Era, destination_body
from proxy.destination.effective import effective_mappings, effective_settings
from proxy.destination.legacy import defaulted
from proxy.embedded.remote import RemoteNode
from proxy.model import SourceIndex
from tests.cluster.nodes import ANN, transport
from tests.destination.samples import job
from tests.real.node import RealNode
from tests.stack import Stack, whole

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
    for path in ("/settings-src", "/settings-out", "/_index_template/settings"):
        real_node.call("DELETE", path)


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


TEMPLATE = {
    "index_patterns": ["settings-out"],
    "priority": 10,
    "template": {
        "settings": {"index": {"refresh_interval": "31s", "number_of_replicas": 2, "mapping.depth.limit": 9}},
        "mappings": {
            "dynamic": "strict",
            "_meta": {"managed_by": "fleet"},
            "properties": {
                "note": {"type": "text"},
                "n": {"type": "keyword"},
                "o": {"properties": {"a": {"type": "long"}, "b": {"type": "long"}}},
            },
        },
        "aliases": {"settings-alias": {}},
    },
}
ASKED: dict[str, Any] = {
    "settings": {"index.number_of_replicas": "0", "index.priority": "7"},
    "mappings": {
        "dynamic": "false",
        "properties": {
            "n": {"type": "long"},
            "o": {"properties": {"a": {"type": "keyword"}, "c": {"type": "long"}}},
        },
        "_meta": {"x": 1},
    },
}


async def test_what_is_told_of_templates_is_what_the_index_gets(node: RealNode) -> None:
    assert node.call("PUT", "/_index_template/settings", TEMPLATE).status == 200
    async with transport(node.url) as opened:
        told = await given(opened, "settings-out", ANN)
        nothing = await given(opened, "unmatched", ANN)
    assert told is not None
    assert nothing is not None
    assert "index.refresh_interval" not in nothing.settings
    assert node.call("PUT", "/settings-out", ASKED).status == 200
    read = node.call("GET", "/settings-out?flat_settings=true").data["settings-out"]
    assert effective_mappings(told.mappings, ASKED["mappings"]) == read["mappings"]
    expected = effective_settings(told.settings, ASKED["settings"])
    assert {key: read["settings"].get(key) for key in expected} == expected
    assert list(told.aliases) == list(read["aliases"])


@asynccontextmanager
async def gated(node: RealNode, folder: Path, settings: str, *, service: bool = True) -> AsyncIterator[Stack]:
    """All parts in front of the node, with these overrides, and a job `settings` that could start."""
    rules = folder / "start.yml"
    shipped = (Path(__file__).parents[2] / "rules" / "start.yml").read_text()
    rules.write_text(shipped.replace("    settings: {}", f'    settings: {{"settings-*": {{{settings}}}}}'))
    async with whole(folder, RemoteNode(node.url), rules=rules, service=service) as stack:
        await stack.ok("PUT", "/settings-src", {"mappings": {"properties": {"n": {"type": "long"}}}})
        await stack.ok("POST", "/settings-src/_doc?refresh=true", {"n": 1})
        source, dest = {"index": ["settings-src"]}, {"index": "settings-out"}
        body = {"source": source, "dest": dest, "analysis": {"outlier_detection": {}}}
        await stack.ok("PUT", "/_ml/data_frame/analytics/settings", body)
        yield stack


async def test_settings_of_the_rules_are_in_the_index(node: RealNode, tmp_path: Path) -> None:
    async with gated(node, tmp_path, "index.refresh_interval: 31s, index.number_of_replicas: 0") as stack:
        assert (await stack.start("settings")).status == 200
        read = (await stack.ok("GET", "/settings-out?flat_settings=true"))["settings-out"]["settings"]
        assert (read["index.refresh_interval"], read["index.number_of_replicas"]) == ("31s", "0")
        assert (await stack.ended("settings"))["state"] == "stopped"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("index.codec: nonsense", "unknown value for [index.codec]"),
        ("index.nonsense: 1", "unknown setting [index.nonsense]"),
        ("index.sort.field: gone", "unknown index sort field:[gone]"),
    ],
)
async def test_settings_that_the_node_refuses_are_told_in_its_words(
    node: RealNode, tmp_path: Path, settings: str, reason: str
) -> None:
    async with gated(node, tmp_path, settings) as stack:
        answer = await stack.start("settings")
        assert (answer.status, answer.reason[: len(reason)]) == (400, reason)
        key = settings.partition(":")[0]
        assert re.search(rf" \(set by the rules, {re.escape(key)}: .*start\.yml:\d+\)$", answer.reason)
        assert node.call("HEAD", "/settings-out").status == 404
        assert (await stack.ended("settings"))["state"] == "stopped"
        assert stack.recorded(answer.receipt).latest["startgate"]["destination"]["created"] is False


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("index.codec: best_compression, index.refresh_interval: 31s", None),
        ("index.codec: nonsense", "unknown value for [index.codec]"),
        ("index.nonsense: 1", "unknown setting [index.nonsense]"),
        ("index.number_of_replicas: many", "Failed to parse value [many] for setting [index.number_of_replicas]"),
        ("index.number_of_shards: 5000", "Failed to parse value [5000] for setting [index.number_of_shards]"),
        ("index.refresh_interval: soon", "failed to parse setting [index.refresh_interval] with value [soon]"),
        ("index.mapping.total_fields.limit: 1", "Limit of total fields [1] has been exceeded"),
    ],
)
async def test_a_plan_tells_which_settings_the_node_would_refuse(
    node: RealNode, tmp_path: Path, settings: str, reason: str | None
) -> None:
    """In the words of the start, which then is refused the same."""
    async with gated(node, tmp_path, settings) as stack:
        plan = (await stack.start("settings", **{"X-Startgate-Plan": "only"})).json
        assert node.call("HEAD", "/settings-out").status == 404
        started = await stack.start("settings")
    assert plan["would_succeed"] is (reason is None)
    if reason is None:
        assert (plan["overrides_checked"], started.status) == (True, 200)
        return
    # What the gate itself foresees needs no node to look.
    assert plan.get("overrides_checked", True) is True
    [problem] = plan["problems"]
    assert problem["reason"].startswith(reason)
    assert started.status == problem["status"] == 400
    assert started.reason.endswith(problem["reason"].removeprefix(reason)), (started.reason, problem)


async def test_who_may_not_ask_is_told_that_the_settings_are_not_checked(node: RealNode, tmp_path: Path) -> None:
    async with gated(node, tmp_path, "index.nonsense: 1", service=False) as stack:
        indices = [{"names": ["settings-*"], "privileges": ["all"]}]
        stack.cluster.add_role("starter", {"cluster": ["manage_ml", "monitor"], "indices": indices})
        ann = stack.cluster.add_user("ann", "pw-of-ann", ["starter"])
        plan = (await stack.start("settings", ann, **{"X-Startgate-Plan": "only"})).json
    assert (plan["would_succeed"], plan["overrides_checked"], plan["effective"]) == (True, False, None)
    assert "unauthorized for user [ann]" in plan["overrides_unchecked_because"]


async def test_a_plan_knows_a_name_that_is_kept_for_data_streams(node: RealNode, tmp_path: Path) -> None:
    body = {"index_patterns": ["settings-o*"], "data_stream": {}, "priority": 20}
    if node.call("PUT", "/_index_template/settings", body).status != 200 or node.version.major < 8:
        pytest.skip("a bare node of 7.17 has no data streams")
    async with gated(node, tmp_path, "index.number_of_replicas: 0") as stack:
        plan = (await stack.start("settings", **{"X-Startgate-Plan": "only"})).json
        started = await stack.start("settings")
    assert started.status == 400
    assert [started.reason] == [f"{one['reason']}" for one in plan["problems"]]


LEGACY: dict[str, Any] = {
    "settings-low": {
        "index_patterns": ["settings-*"],
        "order": 1,
        "settings": {"index.refresh_interval": "17s", "number_of_replicas": 2},
        "mappings": {
            "_meta": {"a": {"x": 1}, "b": 1},
            "dynamic_templates": [{"s": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}],
            "properties": {"note": {"type": "keyword"}, "o": {"properties": {"a": {"type": "long"}}}},
        },
        "aliases": {"settings-alias": {}},
    },
    "settings-high": {
        "index_patterns": ["settings-o*"],
        "order": 5,
        "settings": {"index": {"refresh_interval": "18s"}},
        "mappings": {
            "_meta": {"a": {"x": 2, "y": 2}},
            "dynamic_templates": [{"t": {"match": "t*", "mapping": {"type": "long"}}}],
            "properties": {"n": {"doc_values": False}, "o": {"properties": {"c": {"type": "long"}}}},
        },
    },
    "settings-other": {"index_patterns": ["settings-x*"], "settings": {"index.priority": 9}},
}


@pytest.fixture
def legacy(node: RealNode) -> Iterator[RealNode]:
    """A node with legacy templates that match the destination, and one that does not."""
    for name, template in LEGACY.items():
        # A field in a template has a type; the request's own wins over it.
        fields = template.get("mappings", {}).get("properties", {})
        whole = {key: {"type": "long", **one} if key == "n" else one for key, one in fields.items()}
        body = {**template, "mappings": {**template.get("mappings", {}), "properties": whole}}
        assert node.call("PUT", f"/_template/{name}", body).status == 200
    yield node
    for name in LEGACY:
        node.call("DELETE", f"/_template/{name}")


async def test_what_is_told_of_legacy_templates_is_what_the_index_gets(legacy: RealNode) -> None:
    async with transport(legacy.url) as opened:
        told = await given(opened, "settings-out", ANN)
    assert told is not None
    assert told.legacy
    assert legacy.call("PUT", "/settings-out", ASKED).status == 200
    read = legacy.call("GET", "/settings-out?flat_settings=true").data["settings-out"]
    assert defaulted(ASKED["mappings"], told.mappings) == read["mappings"]
    expected = effective_settings(told.settings, ASKED["settings"])
    assert expected["index.refresh_interval"] == "18s"
    assert {key: read["settings"].get(key) for key in expected} == expected
    assert list(told.aliases) == list(read["aliases"])


async def test_a_composable_template_keeps_legacy_ones_away(legacy: RealNode) -> None:
    assert legacy.call("PUT", "/_index_template/settings", TEMPLATE).status == 200
    async with transport(legacy.url) as opened:
        told = await given(opened, "settings-out", ANN)
    assert told is not None
    assert not told.legacy
    assert legacy.call("PUT", "/settings-out", ASKED).status == 200
    read = legacy.call("GET", "/settings-out?flat_settings=true").data["settings-out"]
    assert read["settings"]["index.refresh_interval"] == told.settings["index.refresh_interval"] == "31s"
    assert effective_mappings(told.mappings, ASKED["mappings"]) == read["mappings"]


async def test_a_legacy_template_with_the_results_field_does_not_fail_the_job(node: RealNode, tmp_path: Path) -> None:
    mappings = {"properties": {"ml": {"properties": {"old": {"type": "long"}}}}}
    assert (
        node.call("PUT", "/_template/settings", {"index_patterns": ["settings-o*"], "mappings": mappings}).status == 200
    )
    try:
        async with gated(node, tmp_path, "index.number_of_replicas: 0") as stack:
            assert (await stack.start("settings")).status == 200
            ended = await stack.ended("settings")
            assert (ended["state"], ended.get("failure_reason")) == ("stopped", None)
    finally:
        node.call("DELETE", "/_template/settings")


async def test_a_plan_tells_what_a_template_adds(node: RealNode, tmp_path: Path) -> None:
    assert node.call("PUT", "/_index_template/settings", TEMPLATE).status == 200
    async with gated(node, tmp_path, "index.number_of_replicas: 0") as stack:
        plan = (await stack.start("settings", **{"X-Startgate-Plan": "only"})).json
        assert plan["effective"]["settings"]["index.refresh_interval"] == "31s"
        assert plan["effective"]["settings"]["index.number_of_replicas"] == 0
        assert plan["effective"]["mappings"]["properties"]["note"] == {"type": "text"}
        assert plan["effective"]["aliases"] == ["settings-alias"]
        assert plan["origins"]["settings"]["index.number_of_replicas"]["kind"] == "override"


async def test_a_template_with_the_results_field_does_not_fail_the_job(node: RealNode, tmp_path: Path) -> None:
    mappings = {"properties": {"ml": {"properties": {"old": {"type": "long"}}}}}
    template = {"index_patterns": ["settings-out"], "priority": 10, "template": {"mappings": mappings}}
    assert node.call("PUT", "/_index_template/settings", template).status == 200
    async with gated(node, tmp_path, "index.number_of_replicas: 0") as stack:
        assert (await stack.start("settings")).status == 200
        ended = await stack.ended("settings")
        assert (ended["state"], ended.get("failure_reason")) == ("stopped", None)
