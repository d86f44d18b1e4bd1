"""The table as message types."""

import pytest

from proxy.rules.cel.messages import dynamic, message, types
from proxy.rules.cel.variables import VARIABLES, Kind
from tests.rules.cel.starts import environment


def test_every_variable_has_a_type_and_json_is_a_variable_of_its_own() -> None:
    assert dynamic() == ("job.settings", "job.config")
    assert set(types()) == {variable.name for variable in VARIABLES} | set(dynamic())


def test_types_are_named_as_in_the_table() -> None:
    named = {name: found.name().lower() for name, found in types().items()}
    assert named["now"] == "timestamp"
    assert named["gib"] == "int"
    assert named["job.settings"] == "dyn"
    assert named["running"] == "list<startgate.running>"


@pytest.mark.parametrize("name", [variable.name for variable in VARIABLES if variable.kind is Kind.RECORD])
def test_a_record_becomes_a_message_with_all_its_values(name: str) -> None:
    values = environment()[name]
    made = message(name, values)
    simple = {
        key: value for key, value in values.items() if isinstance(value, str | int | float) and key != "create_time"
    }
    assert {key: getattr(made, key) for key in simple} == simple
    lists = {key: value for key, value in values.items() if isinstance(value, list)}
    assert {key: list(getattr(made, key)) for key in lists} == lists


def test_moments_keep_their_milliseconds() -> None:
    made = message("job", {**environment()["job"], "create_time": "2026-11-24T08:00:00.250+00:00"})
    assert (made.create_time.seconds, made.create_time.nanos) == (1795507200, 250_000_000)  # type: ignore[attr-defined] # made at run time


@pytest.mark.parametrize("wrong", [{"id": 7}, {"max_num_threads": "x"}, {"max_num_threads": 1 << 63}, {"source": {}}])
def test_a_value_of_another_type_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        message("job", {**environment()["job"], **wrong})
