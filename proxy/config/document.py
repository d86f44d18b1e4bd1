"""The configuration file as a tree: strict YAML, read as rule files are, with the place of every key and value."""

from pathlib import Path

from proxy.config.tree import Node, Place, Value
from proxy.errors import ConfigError, Fault
from proxy.rules import source
from proxy.rules.source import Listing, Mark, Scalar, ScalarKind

# A file with every key and its comment has 3 KB; far beyond, it is something else, named by mistake.
MAX_BYTES = source.MAX_BYTES


def read(path: Path) -> Node:
    """The tree of a file. One that holds nothing, or comments alone, is an empty map.

    Raises:
        ConfigError: it cannot be read, or is no strict YAML; with every fault found.
    """
    text = _text(path)
    folder = path.absolute().parent
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        place = Place(str(path), 1, 1)
        return Node(value={}, place=place, key_place=place, folder=folder)
    tree, faults = source.read(text, str(path))
    if tree is None or faults:
        raise ConfigError(faults)
    return _node(tree, tree.mark, folder)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            held = file.read(MAX_BYTES + 1)
    except OSError as failure:
        raise ConfigError([Fault(str(path), f"cannot be read: {failure.strerror or failure}")]) from None
    if len(held) > MAX_BYTES:
        raise ConfigError([Fault(str(path), f"is larger than {MAX_BYTES} bytes: this is no configuration")])
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = held.count(b"\n", 0, failure.start) + 1
        raise ConfigError([Fault(str(path), "is not UTF-8 text", line, 1)]) from None


def _node(tree: source.Node, key: Mark, folder: Path) -> Node:
    value: Value
    if isinstance(tree, Scalar):
        value = _scalar(tree)
    elif isinstance(tree, Listing):
        value = [_node(item, item.mark, folder) for item in tree.items]
    else:
        value = {entry.key: _node(entry.value, entry.mark, folder) for entry in tree.entries}
    return Node(value=value, place=_place(tree.mark), key_place=_place(key), folder=folder)


def _scalar(scalar: Scalar) -> Value:
    """The value that YAML reads. What it takes for a date or a number to base 8 or 60 stays the text it looks like."""
    if scalar.kind is ScalarKind.INT:
        return int(scalar.text)
    if scalar.reading == "null":
        return None
    if scalar.reading == "bool":
        return scalar.text.lower() in {"y", "yes", "true", "on"}
    if scalar.reading == "float":
        try:
            return float(scalar.text)
        except ValueError:
            return scalar.text
    return scalar.text


def _place(mark: Mark) -> Place:
    return Place(mark.file, mark.line, mark.column)
