"""The configuration file as a tree."""

from pathlib import Path

import pytest

from proxy.config.document import read
from proxy.config.tree import Node, Place
from proxy.errors import ConfigError


def tree(tmp_path: Path, text: str | bytes) -> Node:
    """What a file with this text holds."""
    path = tmp_path / "startgate.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path)


def plain(node: Node) -> object:
    """The values without their places."""
    if isinstance(node.value, dict):
        return {key: plain(value) for key, value in node.value.items()}
    if isinstance(node.value, list):
        return [plain(value) for value in node.value]
    return node.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a", "a"),
        ("'1'", "1"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        (".inf", ".inf"),
        ("true", True),
        ("no", False),
        ("~", None),
        ("", None),
        ("010", "010"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("[a, 1]", ["a", 1]),
        ("{b: {c: 1}}", {"b": {"c": 1}}),
        ("127.0.0.1:9400", "127.0.0.1:9400"),
    ],
)
def test_values(tmp_path: Path, written: str, value: object) -> None:
    assert plain(tree(tmp_path, f"a: {written}\n")) == {"a": value}


def test_places(tmp_path: Path) -> None:
    root = tree(tmp_path, "one: 1\ntwo:\n  three:   [x,\n    y]\n")
    path = str(tmp_path / "startgate.yml")
    assert isinstance(root.value, dict)
    two = root.value["two"]
    assert isinstance(two.value, dict)
    three = two.value["three"]
    assert two.key_place == Place(path, 2, 1)
    assert (three.key_place, three.place) == (Place(path, 3, 3), Place(path, 3, 12))
    assert isinstance(three.value, list)
    assert three.value[1].place == Place(path, 4, 5)
    assert three.folder == tmp_path


@pytest.mark.parametrize("text", ["", "\n \n", "# only this\n", "\ufeff# with a byte order mark"])
def test_a_file_that_says_nothing_is_an_empty_map(tmp_path: Path, text: str) -> None:
    assert plain(tree(tmp_path, text)) == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\na: 2\n", ":2:1: the key `a` is there twice"),
        ("a: &x 1\nb: *x\n", ":1:4: the anchor"),
        ("a: [", ":1:"),
        ("a: 1\n---\nb: 2\n", ":2:1: a second document"),
        (b"a: 1\nb: \xff\n", ":2:1: is not UTF-8 text"),
        (b"#" * 1_048_577, ": is larger than"),
    ],
    ids=["twice", "anchor", "open", "documents", "bytes", "large"],
)
def test_what_is_no_strict_yaml_is_refused(tmp_path: Path, text: str | bytes, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        tree(tmp_path, text)
    assert fault in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read(tmp_path / "none.yml")
    with pytest.raises(ConfigError, match="Is a directory"):
        read(tmp_path)
