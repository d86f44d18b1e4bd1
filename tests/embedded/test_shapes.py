"""Types of a body's fields."""

import pytest

from proxy.embedded.failure import Failure
from proxy.embedded.shapes import FLAG, OBJECT, OBJECTS, TEXT, TEXTS, WHOLE, Shape, shaped, texts


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (TEXT, ["", "x"], [1, [], {}]),
        (TEXTS, ["x", [], ["x", "y"]], [1, [1], {}]),
        (FLAG, [True, False], ["true", 0, 1]),
        (WHOLE, [0, -3], [True, 1.5, "1"]),
        (OBJECT, [{}, {"a": 1}], [[], "x"]),
        (OBJECTS, [[], [{}]], [{}, [1], "x"]),
    ],
)
def test_shapes(shape: Shape, good: list[object], bad: list[object]) -> None:
    for value in good:
        assert shaped({"f": value}, {"f": shape}) == {"f": value}
    for value in bad:
        with pytest.raises(Failure) as caught:
            shaped({"f": value}, {"f": shape})
        assert caught.value.status == 400
        assert caught.value.reason == f"failed to parse field [f]: it must be {shape.text}"


def test_nulls_and_strangers() -> None:
    assert shaped({"a": None, "b": 1, "c": "x"}, {"a": TEXT, "c": TEXT, "d": TEXT}) == {"b": 1, "c": "x"}


def test_texts() -> None:
    assert (texts("x"), texts(["x", "y"]), texts(None)) == (["x"], ["x", "y"], [])
