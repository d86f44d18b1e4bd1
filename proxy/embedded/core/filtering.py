"""`filter_path` and `_source` filters: keep or drop parts of a JSON value by dotted patterns with `*` and `**`."""

from collections.abc import Sequence
from typing import Any

from proxy.embedded.core.json_text import Json
from proxy.embedded.core.texts import matches

Steps = tuple[str, ...]


def filtered(value: Json, expressions: Sequence[str]) -> Json:
    """A body under `filter_path`; expressions that begin with `-` exclude. None when nothing is left."""
    drops = [expression[1:] for expression in expressions if expression.startswith("-")]
    keeps = [expression for expression in expressions if not expression.startswith("-")]
    kept = select(value, keeps) if keeps else value
    return without(kept, drops) if drops else kept


def select(value: Json, patterns: Sequence[str]) -> Json:
    """Only what the patterns name; containers left empty vanish; None when nothing is left."""
    return _select(value, [tuple(pattern.split(".")) for pattern in patterns])


def without(value: Json, patterns: Sequence[str]) -> Json:
    """Everything but what the patterns name; objects left empty by that vanish."""
    return _without(value, [tuple(pattern.split(".")) for pattern in patterns])


def source(document: dict[str, Any], includes: Sequence[str], excludes: Sequence[str]) -> dict[str, Any]:
    """A document's `_source` under includes and excludes; a pattern also covers everything below what it names."""
    kept: Json = document
    if includes:
        kept = _select(document, [tuple(pattern.split(".")) for pattern in includes]) or {}
    if excludes:
        kept = _source_without(kept, [tuple(pattern.split(".")) for pattern in excludes])
    return dict(kept)


def _select(value: Json, patterns: list[Steps]) -> Json:
    if isinstance(value, list):
        inner = [kept for item in value if (kept := _select(item, patterns)) is not None]
        return inner or None
    if not isinstance(value, dict):
        return None
    result: dict[str, Any] = {}
    for key, child in value.items():
        whole, deeper = _advance(patterns, key)
        kept = child if whole else _select(child, deeper) if deeper else None
        if whole or kept is not None:
            result[key] = kept
    return result or None


def _without(value: Json, patterns: list[Steps]) -> Json:
    if isinstance(value, list):
        return [_without(item, patterns) for item in value]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key, child in value.items():
        whole, deeper = _advance(patterns, key)
        if whole:
            continue
        kept = _without(child, deeper) if deeper else child
        if kept != {} or child == {}:
            result[key] = kept
    return result


def _source_without(value: Json, patterns: list[Steps]) -> Json:
    if isinstance(value, list):
        return [_source_without(item, patterns) for item in value]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key, child in value.items():
        whole, deeper = _advance(patterns, key)
        if not whole:
            result[key] = _source_without(child, deeper) if deeper else child
    return result


def _advance(patterns: list[Steps], key: str) -> tuple[bool, list[Steps]]:
    """Whether a pattern ends at this key, and what is left of the others below it."""
    deeper: list[Steps] = []
    for steps in patterns:
        for rest in _after(steps, key):
            if not rest:
                return True, []
            deeper.append(rest)
    return False, deeper


def _after(steps: Steps, key: str) -> list[Steps]:
    head, rest = steps[0], steps[1:]
    if head == "**":
        # `**` stands for no step, for one, or for many: it stays in force below every key.
        return [steps, *(_after(rest, key) if rest else [()])]
    if matches(head, key):
        return [rest]
    # A key that itself holds dots (`ml.score`) may be named by several steps.
    joined = len(key.split("."))
    return [steps[joined:]] if joined > 1 and matches(".".join(steps[:joined]), key) else []
