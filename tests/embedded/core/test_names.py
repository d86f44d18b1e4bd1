import pytest

from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.names import check_alias_name, check_index_name

CHARACTERS = "must not contain the following characters ['/',',','|','>','?','*','<','\"',' ','\\']"


@pytest.mark.parametrize("name", ["a", "a-b_c.d", ".hidden", "é", "0", "x" * 255, "a+b"])
def test_good_names(name: str) -> None:
    check_index_name(name)
    check_alias_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "must not be empty"),
        ("a b", CHARACTERS),
        ("a/b", CHARACTERS),
        ("a\\b", CHARACTERS),
        ("a#b", "must not contain '#'"),
        ("a:b", "must not contain ':'"),
        ("_a", "must not start with '_', '-', or '+'"),
        ("+a", "must not start with '_', '-', or '+'"),
        (".", "must not be '.' or '..'"),
        ("..", "must not be '.' or '..'"),
        ("é" * 128, "index name is too long, (256 > 255)"),
    ],
)
def test_names_for_neither(name: str, why: str) -> None:
    with pytest.raises(ElasticError) as index:
        check_index_name(name)
    assert index.value.reason == f"Invalid index name [{name}], {why}"
    with pytest.raises(ElasticError) as alias:
        check_alias_name(name)
    assert alias.value.reason == f"Invalid alias name [{name}]: {why}"


def test_capitals_are_for_aliases_only() -> None:
    check_alias_name("A")
    with pytest.raises(ElasticError) as caught:
        check_index_name("A")
    assert caught.value.reason == "Invalid index name [A], must be lowercase"
