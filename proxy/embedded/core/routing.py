"""The router: which handler a method and raw path reach, as Elasticsearch's PathTrie and RestController decide it.

Rules of the trie: paths are split undecoded at `/`; trailing slashes do not count, other empty segments do; a literal
segment is preferred to a named one, and the search falls back to the named one where the literal leads nowhere.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from proxy.embedded.core.json_text import Json
from proxy.embedded.core.request import Request, unescape
from proxy.embedded.core.store import Store

# The order in which Elasticsearch lists a path's methods (RestRequest.Method).
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "CONNECT")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers: `body` is a JSON value, a plain text, or None for no body at all."""

    status: int = 200
    body: Json = None
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Store, Request], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """Methods and path templates of one handler, and the query parameters that it reads.

    Without a handler it is one of 7.x's typed routes: 8.x still knows the path and its methods, but serves none.
    """

    methods: tuple[str, ...]
    paths: tuple[str, ...]
    handler: Handler | None
    parameters: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    named: "_Node | None" = None
    methods: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A route that serves, with the decoded values of the parts that its path names."""

    route: Route
    handler: Handler
    values: dict[str, str]


class Router:
    """All routes; overlapping ones are a fault of the table and refused when it is built."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            for path in route.paths:
                self._add(route, path)

    def find(self, method: str, raw_path: str) -> Match | None:
        """The route for a method and an undecoded path. Raises ElasticError 400 for a broken escape in a named part."""
        found = _search(self._root, _segments(raw_path), ())
        if found is None or method not in found[0].methods:
            return None
        route, names = found[0].methods[method]
        if route.handler is None:
            return None
        return Match(route, route.handler, {name: unescape(raw) for name, raw in zip(names, found[1], strict=True)})

    def allowed(self, raw_path: str) -> list[str]:
        """The methods that a path knows, in Elasticsearch's order; empty for an unknown path."""
        found = _search(self._root, _segments(raw_path), ())
        return [] if found is None else [method for method in METHODS if method in found[0].methods]

    def _add(self, route: Route, path: str) -> None:
        node, names = self._root, []
        for segment in _segments(path):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.named = node.named or _Node()
                node = node.named
            else:
                node = node.literals.setdefault(segment, _Node())
        for method in route.methods:
            if method in node.methods:
                raise ValueError(f"two routes for {method} {path}")
            node.methods[method] = (route, tuple(names))


def _segments(path: str) -> list[str]:
    segments = path.split("/")
    while segments and not segments[-1]:
        segments.pop()
    return segments[1:] if segments and not segments[0] else segments


def _search(node: _Node, rest: list[str], values: tuple[str, ...]) -> tuple[_Node, tuple[str, ...]] | None:
    if not rest:
        return (node, values) if node.methods else None
    literal = node.literals.get(rest[0])
    found = None if literal is None else _search(literal, rest[1:], values)
    if found is None and node.named is not None:
        found = _search(node.named, rest[1:], (*values, rest[0]))
    return found
