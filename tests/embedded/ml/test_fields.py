"""Which fields an analysis takes, told from field capabilities."""

from typing import Any

import pytest

from proxy.embedded.core.json_text import Json
from proxy.embedded.failure import Failure
from proxy.embedded.ml.fields import select_fields, supported_types
from proxy.embedded.ml.jobs import Job


def caps(**types: str) -> dict[str, Any]:
    return {
        name.replace("__", "."): {kind: {"type": kind, "metadata_field": kind.startswith("_")}}
        for name, kind in types.items()
    }


CAPS = caps(
    _id="_id", x="long", y="double", k="keyword", flag="boolean", text="text", text__raw="keyword", o="object",
    o__n="long", n="nested", n__z="long", when="date",
)  # fmt: skip


def job(analysis: str = "outlier_detection", source: Json = None, **more: Json) -> Job:
    settings = {} if analysis == "outlier_detection" else {"dependent_variable": more.pop("dependent", "y")}
    config = {
        "id": "j",
        "source": {"index": ["a"], "query": {}, **({"_source": source} if source else {})},
        "dest": {"index": "b", "results_field": "ml"},
        "analysis": {analysis: settings},
        **more,
    }
    return Job(config=config, create_time=0, version="", owner=None)


def included(subject: Job, found: dict[str, Any] | None = None) -> list[str]:
    return [field.name for field in select_fields(subject, found or CAPS) if field.included]


def test_outlier_detection_takes_numbers() -> None:
    assert included(job()) == ["flag", "o.n", "x", "y"]
    reasons = {field.name: field.reason for field in select_fields(job(), CAPS) if not field.included}
    assert set(reasons) == {"k", "text", "text.raw", "when"}
    assert reasons["k"] is not None
    assert reasons["k"].startswith("unsupported type; supported types are [boolean, byte,")


def test_supervised_analyses_take_categories_too() -> None:
    assert included(job("regression")) == ["flag", "k", "o.n", "text", "x", "y"]
    assert "keyword" in supported_types("classification")


def test_result_fields_and_the_id_are_never_taken() -> None:
    assert included(job(), caps(x="long", ml__incremental_id="long", ml__outlier_score="double")) == ["x"]
    assert included(job(), {**caps(x="long"), "ml__incremental_id": {"long": {}}}) == ["x"]


def test_analyzed_fields() -> None:
    assert included(job(analyzed_fields={"includes": ["x", "o.*"], "excludes": []})) == ["o.n", "x"]
    assert included(job(analyzed_fields={"includes": [], "excludes": ["x", "fl*"]})) == ["o.n", "y"]
    assert included(job(source={"includes": ["x", "y"], "excludes": ["y"]})) == ["x"]


def test_the_dependent_variable_is_required() -> None:
    [required] = [field for field in select_fields(job("regression"), CAPS) if field.required]
    assert required.name == "y"
    assert required.json() == {
        "name": "y",
        "mapping_types": ["double"],
        "is_included": True,
        "is_required": True,
        "feature_type": "numerical",
    }


def test_json_of_others() -> None:
    by_name = {field.name: field.json() for field in select_fields(job("classification", dependent="k"), CAPS)}
    assert by_name["k"]["feature_type"] == "categorical"
    assert by_name["text.raw"]["reason"] == "[text] is preferred because it is the parent of this multi-field"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (
            job("regression", dependent="missing"),
            "required field [missing] is missing; analysis requires fields [missing]",
        ),
        (job("classification", dependent="missing"), "no mappings could be found for field [missing]"),
        (job("regression", dependent="k"), "invalid types [keyword] for required field [k]; expected types are [byte,"),
        (job("classification", dependent="when"), "invalid types [date] for required field [when]"),
        (
            job("regression", analyzed_fields={"includes": [], "excludes": ["y"]}),
            "required field [y] is missing; analysis requires fields [y]",
        ),
        (job(analyzed_fields={"includes": ["gone"]}), "no mappings could be found for field [gone]"),
        (job(analyzed_fields={"includes": ["n.z"]}), "nested fields [n.z] are not supported"),
        (job(analyzed_fields={"includes": ["k"]}), "field [k] has unsupported type [keyword]. Supported types are ["),
    ],
)
def test_refused(subject: Job, text: str) -> None:
    with pytest.raises(Failure) as caught:
        select_fields(subject, CAPS)
    assert text in caught.value.reason
    assert caught.value.type == "status_exception"
