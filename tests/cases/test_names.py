"""What names stand for among the indices of a case."""

import pytest

from proxy.cases.model import Index
from proxy.cases.names import behind, names_of, resolved

INDICES = {
    index.name: index
    for index in (
        Index(name="logs-a", aliases=("all-logs",)),
        Index(name="logs-b", aliases=("all-logs", ".hidden-alias")),
        Index(name=".ds-stream-000001", data_stream="stream"),
        Index(name=".secret"),
    )
}


@pytest.mark.parametrize(
    ("expressions", "names", "missing"),
    [
        (["logs-a"], ["logs-a"], []),
        (["logs-b", "logs-a"], ["logs-a", "logs-b"], []),
        (["logs-*"], ["logs-a", "logs-b"], []),
        (["logs-*", "-logs-b"], ["logs-a"], []),
        (["-logs-b", "logs-*"], ["logs-a", "logs-b"], ["-logs-b"]),
        # As nodes do: a name takes away just itself, and nothing reaches through an alias that was named.
        (["logs-*", "-all-logs"], ["logs-a", "logs-b"], []),
        (["all-logs", "x*", "-logs-a"], ["logs-a", "logs-b"], []),
        (["all-logs", "x*", "-logs-*"], ["logs-a", "logs-b"], []),
        (["all-logs", "logs-a", "x*", "-all-logs"], ["logs-a"], []),
        (["logs-*", "-all-*"], [], []),
        (["logs-*", "-*-b", "logs-b"], ["logs-a", "logs-b"], []),
        (["all-logs"], ["logs-a", "logs-b"], []),
        (["all-*"], ["logs-a", "logs-b"], []),
        (["stream"], [".ds-stream-000001"], []),
        (["str*"], [".ds-stream-000001"], []),
        (["*"], [".ds-stream-000001", "logs-a", "logs-b"], []),
        (["_all"], [".ds-stream-000001", "logs-a", "logs-b"], []),
        ([".s*"], [".secret"], []),
        ([".secret"], [".secret"], []),
        (["nothing-*"], [], []),
        (["nothing", "logs-a", "more"], ["logs-a"], ["nothing", "more"]),
    ],
)
def test_expressions(expressions: list[str], names: list[str], missing: list[str]) -> None:
    found, absent = resolved(expressions, INDICES)
    assert [index.name for index in found] == names
    assert list(absent) == missing


def test_names_of_an_index() -> None:
    assert names_of(INDICES["logs-b"]) == ("logs-b", "all-logs", ".hidden-alias")
    assert names_of(INDICES[".ds-stream-000001"]) == (".ds-stream-000001", "stream")
    assert [index.name for index in behind("all-logs", INDICES)] == ["logs-a", "logs-b"]
    assert behind("none", INDICES) == ()
