"""How the control API answers."""

import json

from proxy.control.answers import answer, error
from proxy.gate.standing import RuleText


def test_values_are_told_as_json_with_their_own_names() -> None:
    told = answer(200, RuleText(path="a", text="ü"))
    assert (told.status, told.content_type) == (200, "application/json")
    assert isinstance(told.body, bytes)
    assert json.loads(told.body) == {"path": "a", "text": "ü", "left_out": False}


def test_errors_say_why() -> None:
    told = error(404, "nobody")
    assert isinstance(told.body, bytes)
    assert (told.status, json.loads(told.body)) == (404, {"error": "nobody"})
