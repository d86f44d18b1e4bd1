"""Which handler a path has, as Elasticsearch's router tells it (`PathTrie`, `RestController`).

1. The raw path is split at `/` before anything is decoded; trailing slashes do not count, other empty parts do.
2. Literal parts are compared undecoded and case-sensitively.
3. A literal part is tried before a variable one, and the search goes back where it ends nowhere.
4. A variable part is decoded once. A path that takes other methods only is told from one that is not known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from proxy.embedded.core.request import unescape

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    literals: "dict[str, _Node[T]]" = field(default_factory=dict)
    variable: "_Node[T] | None" = None
    values: dict[str, tuple[T, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """What a path leads to: `value` for the method (None where only other methods are known), decoded variables,
    and all methods that the path takes, sorted."""

    value: T | None
    variables: Mapping[str, str]
    allowed: tuple[str, ...]


class Routes(Generic[T]):
    """A table of templates such as `/{index}/_search`."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, methods: Iterable[str], template: str, value: T) -> None:
        """Make `template` lead to `value` for these methods. Raises ValueError for a pair that is there already."""
        node, names = self._root, []
        for part in template.strip("/").split("/") if template != "/" else ():
            if part.startswith("{"):
                names.append(part[1:-1])
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(part, _Node())
        for method in methods:
            if method in node.values:
                raise ValueError(f"{method} {template} is there twice")
            node.values[method] = (value, tuple(names))

    def match(self, method: str, path: str) -> Match[T] | None:
        """What the raw path (no query) leads to; None where no template fits it. Raises `ElasticError` 400 for a
        broken escape in a variable part."""
        if not path.startswith("/"):
            path = "/" + path
        parts = path.rstrip("/").split("/")[1:]
        best: Match[T] | None = None
        for node, texts in self._reach(self._root, parts, ()):
            found = node.values.get(method)
            best = best or Match(None, {}, tuple(sorted(node.values)))
            if found is not None:
                value, names = found
                # The error about a broken escape quotes the whole path, so that is what is decoded first.
                unescape(path)
                decoded = (unescape(text) for text in texts)
                return Match(value, dict(zip(names, decoded, strict=True)), tuple(sorted(node.values)))
        return best

    def _reach(
        self, node: _Node[T], parts: list[str], texts: tuple[str, ...]
    ) -> Iterable[tuple[_Node[T], tuple[str, ...]]]:
        if not parts:
            if node.values:
                yield node, texts
            return
        if parts[0] in node.literals:
            yield from self._reach(node.literals[parts[0]], parts[1:], texts)
        if node.variable is not None:
            yield from self._reach(node.variable, parts[1:], (*texts, parts[0]))
