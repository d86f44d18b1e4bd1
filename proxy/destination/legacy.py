"""Legacy index templates (`_template`): which of them an index gets, and how they are merged.

All that match apply, unlike composable ones, of which one does: the higher `order` wins, and the create request over
all of them. Definitions are merged to the bottom, also that of one field (`MetadataCreateIndexService.parseV1Mappings`,
`XContentHelper.mergeDefaults`).
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

Definition = Mapping[str, Any]


def matching(templates: Mapping[str, Definition], name: str) -> list[Definition]:
    """Those that match an index of this name, the one that wins first."""
    found = [
        (-int(one.get("order", 0)), key, one)
        for key, one in templates.items()
        if any(_matches(pattern, name) for pattern in one.get("index_patterns", ()))
    ]
    return [one for _, _, one in sorted(found, key=lambda each: each[:2])]


def given_settings(templates: Sequence[Definition]) -> dict[str, Any]:
    """Flat settings of all of them; `templates` as of `matching`, their settings flat."""
    return {key: value for one in reversed(templates) for key, value in one.get("settings", {}).items()}


def given_mappings(templates: Sequence[Definition]) -> dict[str, Any]:
    """The mapping of all of them."""
    found: dict[str, Any] = {}
    for one in templates:
        found = defaulted(found, one.get("mappings", {}))
    return found


def given_aliases(templates: Sequence[Definition]) -> tuple[str, ...]:
    """The names of the aliases of all of them."""
    return tuple(sorted({name for one in templates for name in one.get("aliases", {})}))


def defaulted(content: Definition, defaults: Definition) -> dict[str, Any]:
    """`content`, with what it lacks from `defaults`, at every depth; lists are united."""
    merged = {**defaults, **content}
    for key in content.keys() & defaults.keys():
        ours, theirs = content[key], defaults[key]
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            merged[key] = defaulted(ours, theirs)
        elif isinstance(ours, list) and isinstance(theirs, list):
            merged[key] = _united(ours, theirs)
    return merged


def _united(ours: list[Any], theirs: list[Any]) -> list[Any]:
    """Lists of objects with one key each, such as `dynamic_templates`, by that key; others with the defaults first."""
    if all(isinstance(one, Mapping) and len(one) == 1 for one in (*ours, *theirs)):
        named: dict[str, Any] = {}
        for one in (*ours, *theirs):
            key = next(iter(one))
            named[key] = defaulted(named[key], one) if key in named else one
        return list(named.values())
    return [*theirs, *(one for one in ours if one not in theirs)]


def _matches(pattern: object, name: str) -> bool:
    """Regex.simpleMatch: `*` is the only wildcard."""
    return fnmatchcase(name, str(pattern).replace("[", "[[]").replace("?", "[?]"))
