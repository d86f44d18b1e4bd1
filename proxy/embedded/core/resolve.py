"""Index expressions: comma lists, wildcards, exclusions, aliases, `_all`, and the options that steer them.

After IndexNameExpressionResolver: wildcards match open, visible indices unless `expand_wildcards` says otherwise; a
name that begins with `-` excludes only after a wildcard, and never through an alias; a pattern that begins with a dot
also matches hidden dot-indices.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy.embedded.core.failure import ElasticError, illegal, index_closed, index_not_found, invalid_index_name
from proxy.embedded.core.request import Request
from proxy.embedded.core.store import Index, Store
from proxy.embedded.core.texts import matches

_EXCLUSION_HINT = (
    " and if you intended to exclude this index, ensure that you use wildcards that include it before explicitly "
    "excluding it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Elasticsearch's IndicesOptions, as far as one node has a use for them."""

    ignore_unavailable: bool = False
    allow_no_indices: bool = True
    open: bool = True
    closed: bool = False
    hidden: bool = False
    forbid_closed: bool = False
    aliases: bool = True  # False: an alias is refused where only concrete indices make sense (deletion)


STRICT_OPEN = Options()
LENIENT_OPEN = Options(ignore_unavailable=True)
SEARCH = Options(forbid_closed=True)  # strictExpandOpenAndForbidClosed


def options(request: Request, default: Options = STRICT_OPEN) -> Options:
    """The options of a request: its parameters over the route's defaults. Raises ElasticError 400 for a bad one."""
    found = replace(
        default,
        ignore_unavailable=request.flag("ignore_unavailable", default.ignore_unavailable),
        allow_no_indices=request.flag("allow_no_indices", default.allow_no_indices),
    )
    if request.param("expand_wildcards") is None:
        return found
    states = request.names("expand_wildcards") or ["open"]
    for state in states:
        if state not in ("open", "closed", "hidden", "none", "all"):
            raise illegal(f"No valid expand wildcard value [{state}]")
    every = "all" in states
    return replace(
        found, open=every or "open" in states, closed=every or "closed" in states, hidden=every or "hidden" in states
    )


def resolve(store: Store, expression: str, how: Options = STRICT_OPEN) -> list[Index]:
    """The indices that an expression names, each once, in order; an empty one, `_all` and `*` mean all.

    Raises ElasticError 404 or 400 as the options command.
    """
    found = _resolve(store, [part for part in expression.split(",") if part] or ["_all"], how)
    if not found and not how.allow_no_indices:
        raise index_not_found(expression or "_all")
    if how.forbid_closed:
        found = _without_closed(found, expression, how)
    return found


def single(store: Store, name: str) -> Index:
    """The one index behind a concrete name or an alias, for reading one document. Raises ElasticError."""
    check_expression(name)
    indices = _named(store, name)
    if not indices:
        raise index_not_found(name)
    if len(indices) > 1:
        listed = ", ".join(index.name for index in indices)
        raise illegal(
            f"alias [{name}] has more than one index associated with it [{listed}], can't execute a single index op"
        )
    return indices[0]


def writable(store: Store, name: str) -> Index | None:
    """The index that a write to `name` goes to; None where nothing of that name exists yet. Raises ElasticError."""
    if name in store.indices:
        return store.indices[name]
    indices = store.of_alias(name)
    marked = [index for index in indices if index.aliases[name].get("is_write_index") is True]
    if marked:
        return marked[0]
    if len(indices) == 1 and indices[0].aliases[name].get("is_write_index") is not False:
        return indices[0]
    if not indices:
        return None
    raise no_write_index(name)


def no_write_index(alias: str) -> ElasticError:
    """400: an alias that names no index to write to."""
    return illegal(
        f"no write index is defined for alias [{alias}]. The write index may be explicitly disabled using "
        "is_write_index=false or the alias points to multiple indices without one being designated as a write index"
    )


def check_expression(part: str) -> None:
    """Raise ElasticError for a part of an expression that can name nothing here (`_x`, `remote:x`)."""
    if part.startswith("_") and part != "_all":
        raise invalid_index_name(part, "must not start with '_'.")
    if ":" in part and not part.startswith("<"):
        remote = part.split(":", 1)[0]
        raise ElasticError(404, "no_such_remote_cluster_exception", f"no such remote cluster: [{remote}]")


def is_pattern(part: str) -> bool:
    """Whether a part of an expression stands for any number of indices."""
    return "*" in part or part == "_all"


def visible(index: Index, pattern: str, how: Options) -> bool:
    """Whether a pattern may expand to an index of this state and visibility."""
    shown = how.hidden or not index.hidden or (pattern.startswith(".") and index.name.startswith("."))
    return shown and (how.closed if index.closed else how.open)


def _resolve(store: Store, parts: list[str], how: Options) -> list[Index]:
    # Names until the end: an exclusion takes a name away, and does not reach through an alias that was named.
    names: dict[str, None] = {}
    wildcard_seen = False
    for part in parts:
        if wildcard_seen and part.startswith("-"):
            for name in _excluded(store, part[1:], how):
                names.pop(name, None)
            continue
        check_expression(part)
        wildcard_seen = wildcard_seen or is_pattern(part)
        names.update(dict.fromkeys(_part(store, part, how)))
    found = {index.name: index for name in names for index in _named(store, name)}
    return list(found.values())


def _part(store: Store, part: str, how: Options) -> Iterable[str]:
    """The names that a part adds: a pattern the concrete indices it stands for, a name itself."""
    if is_pattern(part) and (how.open or how.closed):
        indices = _expanded(store, part, how)
        if not indices and not how.allow_no_indices:
            raise index_not_found(part)
        return [index.name for index in indices]
    if not how.aliases and store.is_alias(part):
        if how.ignore_unavailable:
            return []
        raise illegal(
            f"The provided expression [{part}] matches an alias, specify the corresponding concrete indices instead."
        )
    if not _named(store, part) and not how.ignore_unavailable:
        raise index_not_found(part, _EXCLUSION_HINT if part.startswith("-") else "")
    return [part]


def _expanded(store: Store, pattern: str, how: Options) -> list[Index]:
    pattern = "*" if pattern == "_all" else pattern
    found = {index.name: index for index in store if matches(pattern, index.name) and visible(index, pattern, how)}
    if how.aliases:
        for alias in store.alias_names():
            if matches(pattern, alias):
                found.update((index.name, index) for index in store.of_alias(alias) if _alias_shown(index, alias, how))
    return [found[name] for name in sorted(found)]


def _alias_shown(index: Index, alias: str, how: Options) -> bool:
    hidden = index.aliases[alias].get("is_hidden") is True
    return (how.hidden or not hidden) and (how.closed if index.closed else how.open)


def _named(store: Store, name: str) -> list[Index]:
    index = store.indices.get(name)
    return [index] if index is not None else store.of_alias(name)


def _excluded(store: Store, word: str, how: Options) -> Iterable[str]:
    """The names that `-word` takes away: that very name, or the concrete indices that a pattern stands for."""
    return [index.name for index in _expanded(store, word, how)] if "*" in word else [word]


def _without_closed(indices: list[Index], expression: str, how: Options) -> list[Index]:
    named = {part for part in expression.split(",") if not is_pattern(part)}
    for index in indices:
        if index.closed and not how.ignore_unavailable and (index.name in named or named & set(index.aliases)):
            raise index_closed(index.name, index.uuid)
    return [index for index in indices if not index.closed]
