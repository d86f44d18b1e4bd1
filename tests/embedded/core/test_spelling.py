import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.core.spelling import SETTING_CUTOFF, hint, similar, similarity

WORDS = st.text("abcd", max_size=6)


@pytest.mark.parametrize(
    ("word", "candidates", "wanted"),
    [
        ("trm", ["term", "terms", "range"], "did you mean any of [term, terms]?"),
        ("mst", ["must", "should", "filter"], "did you mean [must]?"),
        ("zzz", ["must"], ""),
        ("x", [], ""),
        ("must", ["must"], "did you mean [must]?"),
    ],
)
def test_hints(word: str, candidates: list[str], wanted: str) -> None:
    assert hint(word, candidates) == wanted


def test_best_first_then_by_name() -> None:
    assert similar("abc", ["abd", "abc", "abx"], 0.5) == ["abc", "abd", "abx"]


def test_a_cutoff_is_exceeded_not_met() -> None:
    assert similarity("ab", "ax") == 0.5
    assert similar("ab", ["ax"], 0.5) == []
    assert hint("index.numbr_of_shards", ["index.number_of_shards"], SETTING_CUTOFF)


@given(WORDS, WORDS)
def test_similarity_is_symmetric_and_bounded(left: str, right: str) -> None:
    assert similarity(left, right) == similarity(right, left)
    assert 0.0 <= similarity(left, right) <= 1.0
    assert (similarity(left, right) == 1.0) == (left == right)
