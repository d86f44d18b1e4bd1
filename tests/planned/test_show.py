"""A plan in words."""

from typing import Any

import pytest

from proxy.planned import show
from proxy.planned.ask import Told

INDEX = {"kind": "index", "index": "a", "text": "from index a"}
ADDED = {"kind": "added", "text": "added, as Elasticsearch does"}
PLAN: dict[str, Any] = {
    "would_succeed": True,
    "receipt": "r1",
    "problems": [],
    "job": {
        "id": "flights",
        "analysis": "outlier_detection",
        "sources": ["a", "b-*"],
        "destination": "out",
        "state": "stopped",
        "stage": "first_time",
    },
    "cluster": {"version": "8.15.3"},
    "verdict": {"rules": "abc", "asked": ["caller", "owner"], "caller": {"name": "anna"}, "owner": {"kind": "roles"}},
    "destination": {
        "index": "out",
        "step": "create",
        "why": "the destination is missing",
        "created_as": "caller",
        "source_indices": [f"b-{number}" for number in range(7)],
    },
    "conflicts": [],
    "create": {
        "method": "PUT",
        "path": "/out",
        "body": {
            "settings": {"index.number_of_shards": 2},
            "mappings": {
                "dynamic": False,
                "properties": {"x": {"type": "keyword"}},
                "runtime": {"r": {"type": "long"}},
            },
        },
    },
    "origins": {
        "settings": {"index.number_of_shards": {"kind": "override", "text": "override in rules/start.yml:14"}},
        "properties": {"x": INDEX},
        "mappings": {"dynamic": ADDED},
    },
    "effective": {"settings": {}, "mappings": {}, "aliases": []},
    "added_later": [
        {"section": "properties", "field": "ml.score", "why": "holds results", "mapping": {"type": "double"}},
        {"section": "properties", "field": "ml", "why": "holds results"},
    ],
}


def text(told: Told) -> str:
    return "\n".join(line.plain for line in show.lines("flights", told))


def plan(**changes: Any) -> str:
    return text(Told(status=200, content=PLAN | changes))


def test_all_of_it() -> None:
    assert (
        plan()
        == """\
a start of flights would succeed

job          flights (outlier_detection), stopped, first time
copies       a, b-* -> out
found        b-0, b-1, b-2, b-3, b-4 and 2 more
allowed      the caller anna and the job's owner may; decided by rules abc
destination  out would be created by the caller: the destination is missing
cluster      Elasticsearch 8.15.3
receipt      r1

create body: PUT /out

  setting                 origin                          value
  index.number_of_shards  override in rules/start.yml:14  2

  mapping  origin                        value
  dynamic  added, as Elasticsearch does  false

  field  origin        value
  x      from index a  {"type": "keyword"}

  runtime field  origin  value
  r              -       {"type": "long"}

Elasticsearch adds once the job runs
  name      kind   because it     value
  ml.score  field  holds results  {"type": "double"}
  ml        field  holds results  -"""
    )


def test_conflicts_stand_side_by_side() -> None:
    conflicts = [
        {
            "kind": kind,
            "field": field,
            "distinct": 2,
            "definitions": [{"index": "a", "value": {"type": "long"}}, {"index": "bcd", "value": {"type": "date"}}],
        }
        for kind, field in [("properties", "x"), ("settings", "index.similarity")]
    ]
    problems = [{"status": 400, "type": "status_exception", "reason": "cannot merge"}]
    told = plan(would_succeed=False, problems=problems, conflicts=conflicts)
    assert told.startswith("a start of flights would fail\n  because cannot merge\n\n")
    assert (
        """
conflict: field x
  first in index  defined as
  a               {"type": "long"}
  bcd             {"type": "date"}

conflict: setting index.similarity
"""
        in told
    )


def test_of_a_fleet_of_definitions_the_rest_is_counted() -> None:
    one = {"kind": "properties", "field": "x", "distinct": 5, "definitions": [{"index": "a", "value": {}}] * 2}
    assert "  a               {}\n  and 3 more\n" in plan(conflicts=[one])


def test_what_index_templates_add_is_told() -> None:
    effective = {
        "settings": {"index.number_of_shards": 2, "index.codec": "best_compression"},
        "mappings": {"dynamic": False, "date_detection": False, "properties": {"x": {"type": "keyword"}, "t": {}}},
        "aliases": ["all-out"],
    }
    assert """
index templates add
  name            kind     value
  index.codec     setting  "best_compression"
  date_detection  mapping  false
  t               field    {}
  all-out         alias    -

""" in plan(effective=effective)
    assert "what index templates add is not known to whoever creates the index" in plan(effective=None)


def test_settings_of_the_rules_that_nobody_looked_at_are_told() -> None:
    text = "the settings of the rules are not checked until the index is created: action is unauthorized"
    assert text in plan(overrides_checked=False, overrides_unchecked_because="action is unauthorized")
    assert text not in plan(overrides_checked=True)
    assert text not in plan()


def test_a_template_is_ready_to_be_sent() -> None:
    template = {
        "text": "of one index",
        "method": "PUT",
        "path": "/_index_template/t",
        "body": {"index_patterns": ["out"], "template": {"settings": {"index.codec": "best_compression"}}},
        "origins": {"index.codec": INDEX},
    }
    told = plan(remade={"text": "Elasticsearch makes it anew", "template": template})
    assert (
        '\nresumed: Elasticsearch makes it anew\n  of one index\n  PUT /_index_template/t\n  {\n    "index_patterns"'
        in told
    )
    assert told.endswith('\n  index.codec  from index a  "best_compression"')
    assert plan(remade={"text": "anew"}).endswith("\nresumed: anew")


def test_what_has_nothing_in_it_is_left_out() -> None:
    body = {"settings": {}, "mappings": {"dynamic": False}}
    told = plan(create={"method": "PUT", "path": "/out", "body": body})
    assert "  mapping  origin" in told
    assert "setting" not in told
    assert "  field  origin" not in told


def test_what_is_not_known_is_left_out() -> None:
    bare = {name: value for name, value in PLAN.items() if name not in ("create", "origins")}
    told = text(
        Told(
            status=200,
            content=bare
            | {
                "destination": {"index": "out", "source_indices": []},
                "cluster": {"version": None},
                "added_later": [],
                "job": PLAN["job"] | {"state": ""},
            },
        )
    )
    assert "create body" not in told
    assert "\ndestination" not in told
    assert "\nfound" not in told
    assert "(outlier_detection), stopped" in told
    assert "Elasticsearch of a version that was not told" in told


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"error": {"reason": "you lack it"}}, "you lack it"),
        ({"error": "no such route"}, "no such route"),
        ({}, "no reason was given"),
    ],
)
def test_a_refusal(content: dict[str, Any], reason: str) -> None:
    assert text(Told(status=403, content=content)) == f"a start of flights would fail\n  because {reason}"


def test_what_others_chose_moves_no_cursor() -> None:
    told = text(Told(status=403, content={"error": {"reason": "a\x1b[2Jb"}}))
    assert "\x1b" not in told
    assert "\\x1b[2J" in told
