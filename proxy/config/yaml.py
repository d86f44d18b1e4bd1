"""The configuration file as a tree (stand-in until proxy.rules.source is there)."""

from pathlib import Path

import yaml

from proxy.config.tree import Node, Place
from proxy.errors import ConfigError, Fault


def read(path: Path) -> Node:
    """The tree of a file. Raises ConfigError where it cannot be read or is no YAML map."""
    try:
        written = path.read_text()
        top = yaml.compose(written, Loader=yaml.SafeLoader)
    except OSError as failure:
        raise ConfigError([Fault(str(path), f"cannot be read: {failure.strerror or failure}")]) from None
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ConfigError([Fault(str(path), f"is no YAML: {failure.problem}", line, column)]) from None
    folder = path.absolute().parent
    if top is None:
        return Node(value={}, place=Place(str(path)), key_place=Place(str(path)), folder=folder)
    return _node(path, folder, top, top)


def _node(path, folder, key, top):
    def place(n):
        return Place(str(path), n.start_mark.line + 1, n.start_mark.column + 1)

    if isinstance(top, yaml.MappingNode):
        value = {}
        for k, v in top.value:
            if k.value in value:
                raise ConfigError([Fault(str(path), f"{k.value} twice", place(k).line, place(k).column)])
            value[k.value] = _node(path, folder, k, v)
    elif isinstance(top, yaml.SequenceNode):
        value = [_node(path, folder, n, n) for n in top.value]
    else:
        value = yaml.SafeLoader("").construct_object(top)
    return Node(value=value, place=place(top), key_place=place(key), folder=folder)
