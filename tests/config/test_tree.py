"""The tree of written values, and the environment laid over it."""

from pathlib import Path

import pytest

from proxy.config.tree import Node, Place, invalid, leaves, overlay, told
from proxy.errors import Fault

FOLDER = Path("/etc/startgate")


def node(value: object, line: int = 1, column: int = 1) -> Node:
    """A value as a file would give it; maps and lists of plain values are wrapped."""
    place = Place("startgate.yml", line, column)
    if isinstance(value, dict):
        value = {key: below if isinstance(below, Node) else node(below) for key, below in value.items()}
    if isinstance(value, list):
        value = [node(below) for below in value]
    return Node(value=value, place=place, key_place=place, folder=FOLDER)  # type: ignore[arg-type]  # wrapped above


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "empty"),
        (True, "true or false"),
        (1, "a number"),
        (1.5, "a number"),
        ("a", "a text"),
        ([], "a list"),
        ({}, "a map"),
    ],
)
def test_kinds_in_an_operators_words(value: object, kind: str) -> None:
    assert node(value).kind == kind


def test_a_path_starts_at_the_folder() -> None:
    assert node("x").path("a/b.pem") == "/etc/startgate/a/b.pem"
    assert node("x").path("/abs") == "/abs"
    assert node("x").path("~/key").startswith(str(Path.home()))


def test_commas_part_a_list_in_the_environment_only() -> None:
    root = node({})
    assert not overlay(root, {"STARTGATE_LISTEN": "a:1, b:2"}, FOLDER)
    found, _ = leaves(root)
    assert [item.value for item in found["listen"].items()] == ["a:1", "b:2"]
    assert [item.value for item in node("a:1, b:2").items()] == ["a:1, b:2"]
    assert [item.value for item in node(["a", "b"]).items()] == ["a", "b"]


def test_a_variable_replaces_the_value_and_keeps_its_neighbours() -> None:
    root = node({"cluster": {"nodes": ["http://a:1"], "tls": {"verify": "full"}}, "workers": 2})
    assert overlay(root, {"STARTGATE_CLUSTER__NODES": "http://b:1"}, Path("/etc/startgate")) == []
    found, faults = leaves(root)
    assert not faults
    assert found["cluster.nodes"].value == "http://b:1"
    assert found["cluster.nodes"].place == Place("STARTGATE_CLUSTER__NODES")
    assert found["cluster.nodes"].folder == Path("/etc/startgate")
    assert found["cluster.tls.verify"].value == "full"
    assert found["workers"].value == 2


def test_a_variable_below_a_plain_value_replaces_it() -> None:
    root = node({"listen": "a:1"})
    overlay(root, {"STARTGATE_LISTEN__ADDRESS": "b:2"}, FOLDER)
    found, _ = leaves(root)
    assert isinstance(found["listen"].value, dict)


def test_the_short_and_the_long_form_of_a_variable_exclude_each_other() -> None:
    (fault,) = overlay(node({}), {"STARTGATE_LISTEN": "a:1", "STARTGATE_LISTEN__ADDRESS": "b:2"}, FOLDER)
    assert fault.where == "STARTGATE_LISTEN__ADDRESS"
    assert fault.message.startswith("stands beside STARTGATE_LISTEN, ")


def test_variables_of_others_are_left_alone() -> None:
    root = node({})
    assert overlay(root, {"PATH": "/bin", "STARTGATEX": "1", "STARTGATE_CONFIG": "x"}, FOLDER) == []
    assert leaves(root) == ({}, [])


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"wrokers": 1}, "unknown key 'wrokers' (did you mean 'workers'?); allowed here: "),
        (
            {"cluster": {"node": 1}},
            "unknown key 'cluster.node' (did you mean 'nodes'?); allowed here: nodes, service, sniffing, tls",
        ),
        (
            {"api_key_file": 1},
            "unknown key 'api_key_file' (did you mean 'cluster.service.api_key_file'?); allowed here: ",
        ),
        ({"journal": {"path": None}}, "journal.path is empty"),
        ({"gate": 3}, "gate must be a map with socket, and is a number"),
    ],
)
def test_what_is_no_key_is_refused(tree: object, message: str) -> None:
    found, faults = leaves(node(tree))
    assert found == {}
    assert [fault.message[: len(message)] for fault in faults] == [message]


def test_an_empty_section_says_nothing() -> None:
    assert leaves(node({"limits": None, "cluster": {"tls": None}})) == ({}, [])


def test_a_fault_of_a_value_names_its_key_where_its_place_does_not() -> None:
    faults = [Fault("a.yml", "must be text", 3, 9), Fault("STARTGATE_WORKERS", "must be text")]
    assert [str(one) for one in told(faults, "workers")] == [
        "a.yml:3:9: workers: must be text",
        "STARTGATE_WORKERS: must be text",
    ]


def test_a_fault_names_the_value_or_its_key() -> None:
    one = Node(value=1, place=Place("a.yml", 3, 9), key_place=Place("a.yml", 3, 1), folder=FOLDER)
    assert str(invalid(one, "odd")) == "a.yml:3:9: odd"
    assert str(invalid(one, "odd", key=True)) == "a.yml:3:1: odd"
    assert "1" not in repr(one).replace("column=1", "")
