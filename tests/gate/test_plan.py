"""What a start will do about its destination, from facts alone."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from proxy.destination import Era
from proxy.destination.fieldcount import LIMIT
from proxy.errors import Refusal
from proxy.gate.flight import Destination, Plan
from proxy.gate.plan import check_expressions, copied, era_of, make_plan, untouched
from proxy.gate.ports import Facts, Given, Grants, IndexState
from proxy.model import JobState, SourceIndex, Stage
from proxy.rules import Origin, Setting
from tests.gate.fakes import ANALYST, FLIGHTS, grants, known, made

NOW_MS = 1_700_000_200_000
MISSING = Facts(sources=(FLIGHTS,), destination=None)


def job_in(state: str, stage: Stage) -> JobState:
    return JobState(state=state, stage=stage)


@pytest.mark.parametrize(
    ("state", "stage", "why"),
    [
        ("started", Stage.FIRST_TIME, "the job is started: the cluster answers this start"),
        ("failed", Stage.RESUMING_REINDEXING, "the job is failed: the cluster answers this start"),
        (
            "stopped",
            Stage.RESUMING_REINDEXING,
            "stopped while reindexing: Elasticsearch deletes the destination and makes it anew",
        ),
        ("stopped", Stage.RESUMING_ANALYZING, "resumed after reindexing: the destination is in use as it is"),
        ("stopped", Stage.FINISHED, "the job has finished: the cluster refuses to start it again"),
    ],
)
def test_only_a_first_start_makes_a_destination(state: str, stage: Stage, why: str) -> None:
    assert untouched(known(state=job_in(state, stage))) == Plan(step=Destination.LEAVE, why=why)


@pytest.mark.parametrize("state", ["stopped", ""])
def test_a_first_start_may_have_to(state: str) -> None:
    assert untouched(known(state=job_in(state, Stage.FIRST_TIME))) is None


def test_a_missing_destination_is_planned_without_result_fields() -> None:
    plan = make_plan(known(), MISSING, None, NOW_MS)
    assert plan.step is Destination.CREATE
    assert plan.sources == ("flights",)
    assert plan.body == {
        "settings": {"index.number_of_shards": 2, "index.number_of_replicas": 0},
        "mappings": {
            "dynamic": False,
            "properties": {
                "distance": {"type": "double"},
                "carrier": {"type": "keyword"},
                "ml__incremental_id": {"type": "long"},
            },
            "_meta": {
                "creation_date_in_millis": NOW_MS,
                "created_by": "data-frame-analytics",
                "version": {"created": "12.0.0"},
                "analytics": "outliers",
            },
        },
    }


@pytest.mark.parametrize(
    ("given", "own", "limit"),
    [
        (Given(), {}, 1000),
        (Given(settings={LIMIT: "1001"}), {}, 1001),
        (Given(settings={LIMIT: "5000"}), {LIMIT: "1001"}, 1001),
        (None, {LIMIT: "1001"}, 1001),
        (None, {}, None),
    ],
)
def test_more_fields_than_an_index_may_have(given: Given | None, own: dict[str, str], limit: int | None) -> None:
    """The sources' limit wins over an index template's; where neither is known, the cluster says."""
    fields = {f"f{number}": {"type": "long"} for number in range(1001)}
    source = replace(FLIGHTS, settings=own, mappings={"properties": fields})
    facts = replace(MISSING, sources=(source,), given=given)
    if limit is None:
        assert make_plan(known(), facts, None, NOW_MS).step is Destination.CREATE
        return
    with pytest.raises(Refusal) as refused:
        make_plan(known(), facts, None, NOW_MS)
    assert refused.value.type == "illegal_argument_exception"
    assert refused.value.reason == f"Limit of total fields [{limit}] has been exceeded"


def test_the_clusters_version_is_written_where_the_cluster_would() -> None:
    plan = make_plan(known(made(version="7.17.24"), version="7.17.24"), MISSING, None, NOW_MS)
    assert plan.body is not None
    assert plan.body["mappings"]["_meta"]["version"] == {"created": "7.17.24"}


def test_the_settings_of_the_rules_are_laid_over_the_copied_ones() -> None:
    laid = {
        "index.number_of_replicas": Setting("index.number_of_replicas", 1, Origin("start.yml", 14)),
        "index.codec": Setting("index.codec", "best_compression", Origin("start.yml", 15)),
    }
    plan = make_plan(known(), MISSING, None, NOW_MS, laid)
    assert plan.body is not None
    assert plan.body["settings"] == {
        "index.number_of_shards": 2,
        "index.number_of_replicas": 1,
        "index.codec": "best_compression",
    }
    assert plan.overrides == {"index.number_of_replicas": "start.yml:14", "index.codec": "start.yml:15"}


def test_a_destination_that_exists_is_used_as_it_is() -> None:
    facts = Facts(sources=(FLIGHTS,), destination=IndexState(name="flights-out", uuid="u", mappings={}))
    plan = make_plan(known(), facts, None, NOW_MS)
    assert (plan.step, plan.body, plan.sources) == (Destination.EXISTING, None, ("flights",))


def test_a_destination_that_elasticsearch_throws_away_is_told() -> None:
    ours = {"_meta": {"created_by": "data-frame-analytics", "version": {"created": "7.9.0"}}}
    facts = Facts(sources=(FLIGHTS,), destination=IndexState(name="flights-out", uuid="u", mappings=ours))
    plan = make_plan(known(), facts, None, NOW_MS)
    assert plan.step is Destination.EXISTING
    assert "deletes it and makes it anew" in plan.why


def test_what_the_index_really_gets() -> None:
    given = Given(
        settings={"index.codec": "best_compression", "index.number_of_replicas": "3"},
        mappings={"dynamic": "strict", "properties": {"note": {"type": "text"}, "carrier": {"type": "text"}}},
        aliases=("all-flights",),
    )
    plan = make_plan(known(), replace(MISSING, given=given), None, NOW_MS)
    assert plan.body is not None
    assert plan.effective is not None
    assert plan.effective["settings"] == {"index.codec": "best_compression", **plan.body["settings"]}
    assert plan.effective["mappings"] == {
        **plan.body["mappings"],
        "properties": {"note": {"type": "text"}, **plan.body["mappings"]["properties"]},
    }
    assert plan.effective["aliases"] == ["all-flights"]
    assert make_plan(known(), MISSING, None, NOW_MS).effective is None


def test_a_template_with_the_results_field_leaves_the_index_to_elasticsearch() -> None:
    given = Given(mappings={"properties": {"ml": {"properties": {"x": {"type": "long"}}}}})
    plan = make_plan(known(), replace(MISSING, given=given), None, NOW_MS)
    assert (plan.step, plan.body) == (Destination.LEAVE, None)
    assert plan.why == "an index template has a field of the results' name [ml]: Elasticsearch makes the index"


DOOMED = "A field that matches the dest.results_field [ml] already exists; please set a different results_field"
OLD = {"created_by": "data-frame-analytics", "version": {"created": "7.9.0"}}


@pytest.mark.parametrize(
    ("name", "mappings", "problem"),
    [
        ("flights-out", {}, None),
        ("flights-out", {"properties": {"mlx": {}}}, None),
        ("flights-out", {"properties": {"ml": {}}}, DOOMED),
        # Elasticsearch makes it anew, but never the index behind an alias.
        ("flights-out", {"properties": {"ml": {}}, "_meta": OLD}, None),
        ("behind", {"properties": {"ml": {}}, "_meta": OLD}, DOOMED),
    ],
)
def test_a_destination_that_holds_the_results_field_dooms_the_job(
    name: str, mappings: dict[str, Any], problem: str | None
) -> None:
    facts = Facts(sources=(FLIGHTS,), destination=IndexState(name=name, uuid="u", mappings=mappings))
    plan = make_plan(known(), facts, None, NOW_MS)
    assert plan.step is Destination.EXISTING
    assert (plan.problem and plan.problem.reason) == problem


CARRIER = SourceIndex(name="flights", settings={}, mappings={"properties": {"carrier": {"type": "keyword"}}})
CLASHING = SourceIndex(name="other", settings={}, mappings={"properties": {"carrier": {"type": "date"}}})


@pytest.mark.parametrize(
    ("analysis", "sources", "reason"),
    [
        ({"outlier_detection": {}}, (CARRIER,), "at least one field must be included in the analysis"),
        ({"classification": {"dependent_variable": "x"}}, (CARRIER,), "no mappings could be found for field [x]"),
        # As Elasticsearch asks: first for the fields that must be there, then for conflicts, then for any field.
        (
            {"regression": {"dependent_variable": "x"}},
            (CARRIER, CLASHING),
            "required field [x] is missing; analysis requires fields [x]",
        ),
        (
            {"outlier_detection": {}},
            (CARRIER, CLASHING),
            "cannot merge [properties] mappings because of differences for field [carrier]; "
            "mapped as [{type=date}] in index [other]; mapped as [{type=keyword}] in index [flights]",
        ),
    ],
)
def test_fields_that_the_cluster_would_refuse(
    analysis: dict[str, Any], sources: tuple[SourceIndex, ...], reason: str
) -> None:
    with pytest.raises(Refusal) as told:
        make_plan(known(made(analysis=analysis)), Facts(sources=sources, destination=None), None, NOW_MS)
    assert (told.value.status, told.value.type, told.value.reason) == (400, "status_exception", reason)


def test_a_conflict_of_mappings_is_refused_in_elasticsearchs_words() -> None:
    other = SourceIndex(name="more", settings={}, mappings={"properties": {"distance": {"type": "keyword"}}})
    with pytest.raises(Refusal, match=r"cannot merge .* mappings because of differences for field .distance.") as told:
        make_plan(
            known(made(source={"index": ["flights", "more"]})),
            Facts(sources=(FLIGHTS, other), destination=None),
            None,
            0,
        )
    assert (told.value.status, told.value.type) == (400, "status_exception")


INCLUDED = "Destination index [flights-out] is included in source expression [{}]"
# The one case in which Elasticsearch lists what the sources stand for.
BEHIND = "Destination index [flights-000001] is included in source expression [flights-000001,z]"
REMOTE = "remote source indices are not supported"


@pytest.mark.parametrize(
    ("expressions", "sources", "destination", "problems"),
    [
        (["flights"], ["flights"], None, []),
        (["flights*"], ["flights"], None, [INCLUDED.format("flights*")]),
        (["a", "*-out", "flights-out"], [], None, [INCLUDED.format("*-out"), INCLUDED.format("flights-out")]),
        (["alias", "x"], ["flights-out", "x"], None, [INCLUDED.format("alias,x")]),
        (["alias", "z"], ["z", "flights-000001"], "flights-000001", [BEHIND]),
        (["alias"], ["flights-000002"], "flights-000001", []),
        (["flights", "-flights-out"], ["flights"], None, []),
        (["flights-ou?"], [], None, []),
        (["flights-ou[t]"], [], None, []),
        (["[flights-out]"], [], None, []),
        (["FLIGHTS-OUT"], [], None, []),
        (["other:flights"], [], None, [REMOTE]),
        (["*:*"], [], None, [REMOTE]),
        (["<logs-{now/d{yyyy.MM.dd|+12:00}}>"], [], None, []),
        (["*", "-<logs-{now/d{yyyy.MM.dd|+12:00}}>"], [], None, [INCLUDED.format("*")]),
        (["other:x", "flights*"], [], None, [INCLUDED.format("flights*"), REMOTE]),
    ],
)
def test_sources_that_cannot_be_are_refused_all_at_once(
    expressions: list[str], sources: list[str], destination: str | None, problems: list[str]
) -> None:
    job = made(source={"index": expressions})
    there = None if destination is None else IndexState(name=destination, uuid="u", mappings={})
    if not problems:
        check_expressions(job, sources, there)
        return
    with pytest.raises(Refusal) as told:
        check_expressions(job, sources, there)
    numbered = "".join(f"{number}: {problem};" for number, problem in enumerate(problems, 1))
    assert (told.value.status, told.value.type) == (400, "validation_exception")
    assert told.value.reason == f"Validation Failed: {numbered}"


@pytest.mark.parametrize(
    ("version", "job_version", "era"),
    [
        ("8.15.3", "7.9.0", Era.ALLOW_LIST),
        ("8.5.0", "12.0.0", Era.SHARDS_ONLY),
        ("7.17.24", "7.17.24", Era.SHARDS_ONLY),
        (None, "12.0.0", Era.ALLOW_LIST),
        (None, "10.0.0", Era.ALLOW_LIST),
        (None, "8.5.0", Era.SHARDS_ONLY),
        (None, "7.4.0", Era.SORTED_COPY),
    ],
)
def test_the_era_is_the_clusters_or_else_the_jobs(version: str | None, job_version: str, era: Era) -> None:
    assert era_of(known(made(version=job_version), version=version)) is era


@pytest.mark.parametrize(
    ("version", "job_version"), [("new", "12.0.0"), (None, "none"), (None, ""), ("6.8.0", "6.8.0")]
)
def test_without_a_version_nothing_is_planned(version: str | None, job_version: str) -> None:
    with pytest.raises(Refusal, match="the destination cannot be planned: ") as told:
        era_of(known(made(version=job_version), version=version))
    assert told.value.status == 400


def seen(what: Grants, source: SourceIndex = FLIGHTS) -> dict[str, Any]:
    plan = make_plan(known(), Facts(sources=(source,), destination=None), what, NOW_MS)
    assert plan.body is not None
    return {key: set(plan.body["mappings"].get(key, {})) - {"ml__incremental_id"} for key in ("properties", "runtime")}


def role(*fields: str, names: Sequence[str] = ("flights",), without: Sequence[str] = ()) -> dict[str, Any]:
    security = {"field_security": {"grant": list(fields), "except": list(without)}} if fields else {}
    return {"indices": [{"names": list(names), "privileges": ["read", "view_index_metadata"], **security}]}


RUNTIME = SourceIndex(
    name="flights",
    settings={},
    mappings={**FLIGHTS.mappings, "runtime": {"hour": {"type": "long"}, "day": {"type": "keyword"}}},
)


@pytest.mark.parametrize(
    ("what", "properties", "runtime"),
    [
        (grants(ANALYST), {"distance", "carrier"}, {"hour", "day"}),
        (grants(role("carrier", "day")), {"carrier"}, {"day"}),
        (grants(role("*", without=["hour", "carrier"])), {"distance"}, {"day"}),
        (grants(role("carrier"), role()), {"distance", "carrier"}, {"hour", "day"}),
        (grants(role("carrier"), role("hour")), {"carrier"}, {"hour"}),
        (grants(ANALYST, limited_by=[role("distance")]), {"distance"}, set()),
        (grants(role("carrier", "distance"), limited_by=[role("distance")]), {"distance"}, set()),
        (grants(role("carrier", names=["elsewhere"]), role()), {"distance", "carrier"}, {"hour", "day"}),
    ],
)
def test_only_what_the_owner_may_see_is_copied(what: Grants, properties: set[str], runtime: set[str]) -> None:
    assert seen(what, RUNTIME) == {"properties": properties, "runtime": runtime}


def test_sources_that_share_a_mapping_share_what_is_seen_of_it() -> None:
    """Ten thousand alike are looked at once, and are still alike to whoever merges them; others are looked at anew."""
    other = replace(RUNTIME, name="other", mappings=FLIGHTS.mappings)
    fleet = (*(replace(RUNTIME, name=f"flights-{number}") for number in range(3)), other)
    facts = Facts(sources=fleet, destination=None)
    narrow = role("carrier", "distance", names=["flights-0", "flights-1", "other"])
    first, second, all_of_it, last = copied(known(), facts, grants(narrow, role(names=["flights-2"])))
    assert set(first.mappings["properties"]) == {"carrier", "distance"}
    assert first.mappings is second.mappings
    assert all_of_it.mappings is RUNTIME.mappings
    assert last.mappings is not first.mappings
    limited = copied(known(), facts, grants(role(names=["*"]), limited_by=[role("distance", names=["*"])]))
    assert len({id(source.mappings) for source in limited[:3]}) == 1
    assert set(limited[0].mappings["properties"]) == {"distance"}


SYSTEM = SourceIndex(name=".security-7", settings={}, mappings={"properties": {"hash": {"type": "keyword"}}})
SUPER = {"indices": [{"names": ["*"], "privileges": ["all"], "allow_restricted_indices": True}]}
UNCLEAR = {"indices": [{"names": ["/(x/"], "privileges": ["all"], "allow_restricted_indices": True}]}
EVERYTHING = {"indices": [{"names": ["*"], "privileges": ["all"]}]}


@pytest.mark.parametrize(
    ("what", "sources"),
    [
        (None, ("flights", ".security-7")),
        (grants(SUPER), ("flights", ".security-7")),
        (grants(EVERYTHING), ("flights",)),
        (grants(SUPER, limited_by=[EVERYTHING]), ("flights",)),
        (
            grants({"indices": [{"names": ["/(x/"], "privileges": ["all"], "allow_restricted_indices": True}]}),
            ("flights",),
        ),
    ],
)
def test_a_wildcard_of_an_owner_does_not_stand_for_system_indices(
    what: Grants | None, sources: tuple[str, ...]
) -> None:
    """The service credential may see them; the owner need not."""
    some = made(source={"index": ["flight*", ".sec*"]}, dest={"index": "out"})
    plan = make_plan(known(some), Facts(sources=(FLIGHTS, SYSTEM), destination=None), what, NOW_MS)
    assert plan.sources == sources


def test_a_system_index_by_name_that_the_owner_may_not_reach_is_denied() -> None:
    job = made(source={"index": ["flights", ".security"]}, dest={"index": "out"})
    with pytest.raises(Refusal, match="it is a system index") as told:
        make_plan(known(job), Facts(sources=(FLIGHTS, SYSTEM), destination=None), grants(EVERYTHING), NOW_MS)
    assert told.value.status == 403


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (grants(role("carrier", names=["an-alias"])), "they reach it under another name"),
        (grants(role("/carr(ier/")), ""),
    ],
)
def test_what_cannot_be_told_exactly_is_denied(what: Grants, why: str) -> None:
    with pytest.raises(
        Refusal, match=f"which fields of .flights. the owner's roles show cannot be told exactly .{why}"
    ) as told:
        seen(what)
    assert (told.value.status, told.value.type) == (403, "security_exception")


NO_WRITE_INDEX = (
    "no write index is defined for alias [flights-out]. The write index may be explicitly disabled using "
    "is_write_index=false or the alias points to multiple indices without one being designated as a write index"
)


def test_an_alias_that_nothing_can_be_written_to_is_refused_in_the_words_of_the_cluster() -> None:
    there = IndexState(name="one", uuid="u", mappings={}, no_write_index=True)
    with pytest.raises(Refusal) as told:
        make_plan(known(), Facts(sources=(FLIGHTS,), destination=there), None, 0)
    assert (told.value.status, told.value.type) == (400, "validation_exception")
    assert told.value.reason == f"Validation Failed: 1: {NO_WRITE_INDEX};"


def test_what_includes_the_destination_comes_before_its_write_index() -> None:
    there = IndexState(name="one", uuid="u", mappings={}, no_write_index=True)
    with pytest.raises(Refusal, match="is included in source expression"):
        check_expressions(made(source={"index": ["flights*"]}), ["flights"], there)


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (IndexState(name="one", uuid="u", mappings={}, no_write_index=True), NO_WRITE_INDEX),
        (
            IndexState(name=".ds-1", uuid="u", mappings={}, in_data_stream=True),
            "only write ops with an op_type of create are allowed in data streams",
        ),
    ],
)
def test_a_destination_that_takes_no_copies_is_told_before_the_job_fails(there: IndexState, why: str) -> None:
    """Where the sources stand for nothing, the cluster's own check does not look at the destination."""
    plan = make_plan(known(), Facts(sources=(), destination=there), None, 0)
    assert plan.step is Destination.EXISTING
    assert plan.problem is not None
    assert (plan.problem.status, plan.problem.reason) == (400, why)
