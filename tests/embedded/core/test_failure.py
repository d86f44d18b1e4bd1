import pytest

from proxy.embedded.core import failure
from proxy.embedded.core.failure import ElasticError, illegal, parsing, unparsable, x_content


def test_a_plain_error_is_its_own_root_cause() -> None:
    assert illegal("no").body() == {
        "error": {
            "root_cause": [{"type": "illegal_argument_exception", "reason": "no"}],
            "type": "illegal_argument_exception",
            "reason": "no",
        },
        "status": 400,
    }


def test_fields_come_before_the_cause() -> None:
    body = failure.index_not_found("x").body()
    assert list(body["error"]["root_cause"][0]) == [
        "type",
        "reason",
        "resource.type",
        "resource.id",
        "index_uuid",
        "index",
    ]
    assert body["status"] == 404


@pytest.mark.parametrize(
    ("fault", "root"),
    [
        (unparsable(failure.bad_mapping("inner")), "inner"),
        (unparsable(illegal("foreign")), "Failed to parse mapping: foreign"),
        (parsing("outer", (1, 2), illegal("inner")), "outer"),
        (x_content((1, 1), "outer", x_content((1, 2), "inner")), "[1:2] inner"),
        (x_content((1, 1), "outer", parsing("own", (1, 2))), "own"),
        (x_content((1, 1), "outer", illegal("inner")), "[1:1] outer"),
        (illegal("outer", ElasticError(400, "status_exception", "inner")), "outer"),
        (ElasticError(400, "x", "outer", cause=ElasticError(400, "y", "inner"), own_root=True), "outer"),
    ],
)
def test_root_causes_stay_in_their_own_world(fault: ElasticError, root: str) -> None:
    assert fault.body()["error"]["root_cause"][0]["reason"] == root


def test_the_chain_of_causes_is_shown_whole() -> None:
    shown = illegal("a", illegal("b", illegal("c"))).detail()
    assert shown["caused_by"]["caused_by"]["reason"] == "c"


def test_validation_numbers_its_reasons() -> None:
    assert failure.validation("a", "b").reason == "Validation Failed: 1: a;2: b;"


def test_numbers_that_are_none() -> None:
    assert failure.number_format("x").reason == 'For input string: "x"'
    assert failure.number_format("").reason == "empty String"


def test_positions_are_kept_for_wrappers() -> None:
    assert parsing("x", (3, 4)).position == (3, 4)
    assert x_content((5, 6), "x").position == (5, 6)
    assert illegal("x").position is None


def test_what_is_not_done_says_so() -> None:
    assert "not supported by the embedded cluster" in failure.unsupported("[knn] query").reason
