"""Forms of values, as data."""

from proxy.rules.forms import Fields, Key, Text


def test_fields_give_their_names_in_order() -> None:
    fields = Fields({"b": Key(form=Text(), means="x"), "a": Key(form=Text(), means="y")})
    assert list(fields) == ["b", "a"]
    assert "a" in fields
