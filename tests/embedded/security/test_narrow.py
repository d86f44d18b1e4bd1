"""Index expressions, cut down to what is allowed."""

import pytest

from proxy.embedded.security.narrow import NOTHING, narrow, split

EXISTING = ["a1", "a2", "b1", ".hidden"]


@pytest.mark.parametrize(
    ("expression", "parts"),
    [(None, ("*",)), ("", ("*",)), ("_all", ("*",)), ("a,b*", ("a", "b*")), ("a,,b", ("a", "b"))],
)
def test_split(expression: str | None, parts: tuple[str, ...]) -> None:
    assert split(expression) == parts


@pytest.mark.parametrize(
    ("parts", "allowed", "names", "changed", "refused"),
    [
        (["*"], {"a1", "a2", "b1"}, ("a1", "a2", "b1"), False, ()),
        (["*"], {"a1"}, ("a1",), True, ()),
        (["a*"], {"a1", "a2"}, ("a1", "a2"), False, ()),
        (["a*", "-a1"], {"a1", "a2"}, ("a2",), False, ()),
        (["b*"], {"a1"}, NOTHING, True, ()),
        (["c*"], {"a1"}, NOTHING, False, ()),
        (["a1", "b1"], {"a1"}, ("a1",), False, ("b1",)),
        (["missing"], {"missing"}, ("missing",), False, ()),
        ([".h*"], {".hidden"}, (".hidden",), False, ()),
        (["_all"], {"b1"}, ("b1",), True, ()),
        (["a*", "a1"], {"a1", "a2"}, ("a1", "a2", "a1"), False, ()),
    ],
)
def test_narrow(
    parts: list[str], allowed: set[str], names: tuple[str, ...], changed: bool, refused: tuple[str, ...]
) -> None:
    found = narrow(parts, EXISTING, lambda name: name in allowed)
    assert (found.names, found.changed, found.refused) == (names, changed, refused)
