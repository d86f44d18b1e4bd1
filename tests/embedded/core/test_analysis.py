import pytest

from proxy.embedded.core import analysis
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.settings import normalise
from tests.embedded.core.support import Json


def of(**sections: Json) -> analysis.Analysis:
    return analysis.from_settings(normalise({"analysis": sections}))


def test_names_that_settings_define() -> None:
    found = of(
        analyzer={"mine": {"tokenizer": "my_tok", "filter": ["lowercase", "my_stop"], "char_filter": ["my_map"]}},
        tokenizer={"my_tok": {"type": "ngram"}},
        filter={"my_stop": {"type": "stop"}},
        char_filter={"my_map": {"type": "mapping"}},
        normalizer={"low": {"type": "custom", "filter": ["lowercase"]}, "plain": {"type": "custom", "filter": "trim"}},
    )
    assert {"mine", "standard", "english"} <= found.analyzers
    assert {"low", "plain", "lowercase"} <= found.normalizers
    assert found.lowercasing == {"low", "lowercase"}


def test_similarities() -> None:
    found = analysis.from_settings({"index.similarity.mine.type": "BM25"})
    assert {"mine", "BM25", "boolean"} == found.similarities


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"analyzer": {"a": {"filter": []}}}, "analyzer [a] must specify either an analyzer type, or a tokenizer"),
        ({"analyzer": {"a": {"type": "custom"}}}, "analyzer [a] must be configured with a tokenizer"),
        ({"analyzer": {"a": {"type": "nope"}}}, "Unknown analyzer type [nope] for [a]"),
        ({"analyzer": {"a": {"tokenizer": "x"}}}, "Custom Analyzer [a] failed to find tokenizer under name [x]"),
        (
            {"analyzer": {"a": {"tokenizer": "standard", "filter": ["lowercase", "x"]}}},
            "Custom Analyzer [a] failed to find filter under name [x]",
        ),
        (
            {"analyzer": {"a": {"tokenizer": "standard", "char_filter": "html_strip, x"}}},
            "Custom Analyzer [a] failed to find char_filter under name [x]",
        ),
        (
            {"normalizer": {"n": {"type": "custom", "filter": ["x"]}}},
            "Custom normalizer [n] failed to find filter under name [x]",
        ),
    ],
)
def test_parts_that_do_not_exist(sections: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        of(**sections)
    assert caught.value.reason == reason


def test_a_built_in_type_needs_no_parts() -> None:
    assert "a" in of(analyzer={"a": {"type": "english", "stopwords": "_none_"}}).analyzers


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("The quick, brown-fox!", ["the", "quick", "brown", "fox"]), ("", []), ("Ärger 12", ["ärger", "12"])],
)
def test_tokens(text: str, wanted: list[str]) -> None:
    assert analysis.tokens(text) == wanted
