"""From privilege names to actions and back (`ClusterPrivilegeResolver`, `IndexPrivilege`)."""

from collections.abc import Iterable
from functools import lru_cache

from proxy.errors import StartgateError, nearest
from proxy.privileges.patterns import NOTHING, Language, included, language
from proxy.privileges.tables import CLUSTER, FAILURES_ONLY, INDEX, OWN_KEYS, Actions
from proxy.privileges.versions import Version, cluster_privileges, index_privileges


class UnknownPrivilege(StartgateError):
    """A privilege name that Elasticsearch does not know; the text is Elasticsearch's own, plus the nearest name."""


@lru_cache(maxsize=1024)
def cluster_language(name: str, version: Version | None = None) -> Language:
    """The actions that one cluster privilege allows, in a version or by the newest table. Raises UnknownPrivilege."""
    lowered, known = name.lower(), cluster_privileges(version)
    if lowered in known:
        return _of(known[lowered])
    if _of(known["all"]).matches(lowered):
        return language([lowered + "*"])
    raise UnknownPrivilege(
        f"unknown cluster privilege [{lowered}]. a privilege must be either one of the predefined cluster privilege "
        f"names [{','.join(_by_strength(known))}] or a pattern over one of the available cluster actions"
        + _hint(lowered, known, CLUSTER, version)
    )


@lru_cache(maxsize=1024)
def index_language(name: str, version: Version | None = None) -> Language:
    """The actions that one index privilege allows, in a version or by the newest table. Raises UnknownPrivilege."""
    lowered, known = name.lower(), index_privileges(version)
    if lowered in known:
        return _of(known[lowered])
    if _of(known["all"]).matches(lowered):
        return language([lowered + "*"])
    names = (*_by_containment(FAILURES_ONLY & known.keys()), *_by_containment(known.keys() - FAILURES_ONLY))
    raise UnknownPrivilege(
        f"unknown index privilege [{lowered}]. a privilege must be either one of the predefined fixed indices "
        f"privileges [{','.join(names)}] or a pattern over one of the available index actions"
        + _hint(lowered, known, INDEX, version)
    )


def asked_cluster_language(name: str) -> Language:
    """The actions that holding one cluster privilege takes, for `_has_privileges`. Raises UnknownPrivilege."""
    return _of(OWN_KEYS[1]) if name.lower() == OWN_KEYS[0] else cluster_language(name)


def union_of_cluster(names: Iterable[str]) -> Language:
    """All that these cluster privileges allow together; names that are not known add nothing."""
    return _union(frozenset(name.lower() for name in names), cluster=True)


def union_of_index(names: Iterable[str]) -> Language:
    """All that these index privileges allow together; names that are not known add nothing."""
    return _union(frozenset(name.lower() for name in names), cluster=False)


def require_cluster_privilege(name: str, *, version: Version | None = None) -> None:
    """Raise `UnknownPrivilege` unless `name` is a cluster privilege, in any case, or a pattern of cluster actions.

    With `version` (major, minor) it must be one that such a cluster knows.
    """
    cluster_language(name, version)


def require_index_privilege(name: str, *, version: Version | None = None) -> None:
    """Raise `UnknownPrivilege` unless `name` is an index privilege, in any case, or a pattern of index actions.

    With `version` (major, minor) it must be one that such a cluster knows.
    """
    index_language(name, version)


def cluster_privilege_grants(name: str, action: str) -> bool:
    """Whether the one cluster privilege `name` allows `action`. Raises UnknownPrivilege."""
    return cluster_language(name).matches(action)


def granting_cluster_privileges(action: str) -> tuple[str, ...]:
    """Named cluster privileges that allow `action`, in the order of Elasticsearch's 403 text (weakest first)."""
    return _by_strength(name for name in CLUSTER if cluster_language(name).matches(action))


def including_cluster_privileges(names: Iterable[str]) -> tuple[str, ...]:
    """Named cluster privileges that include each of `names`, weakest first. Raises UnknownPrivilege."""
    wanted = [asked_cluster_language(name) for name in names]
    return _by_strength(name for name in CLUSTER if all(included(one, cluster_language(name)) for one in wanted))


def granting_index_privileges(action: str) -> tuple[str, ...]:
    """Named index privileges that allow `action` on data, in the order of Elasticsearch's 403 text (weakest first)."""
    names = INDEX.keys() - FAILURES_ONLY
    return _by_containment(name for name in names if index_language(name).matches(action))


def _hint(name: str, known: Iterable[str], ever: Iterable[str], version: Version | None) -> str:
    if version is not None and name in ever:
        return f"; Elasticsearch {version[0]}.{version[1]} does not know it yet{nearest(name, known)}"
    return nearest(name, known)


def _of(actions: Actions) -> Language:
    return language(actions.include, minus=actions.exclude)


@lru_cache(maxsize=4096)
def _union(lowered: frozenset[str], *, cluster: bool) -> Language:
    # Plain patterns are joined into one automaton; only what has exceptions stays apart.
    plain: set[str] = set()
    apart = NOTHING
    table = CLUSTER if cluster else INDEX
    everything = _of(table["all"])
    for name in sorted(lowered):
        actions = table.get(name)
        if actions is None:
            plain.update([name + "*"] if everything.matches(name) else [])
        elif actions.exclude:
            apart |= _of(actions)
        else:
            plain.update(actions.include)
    return language(plain) | apart


def _by_strength(names: Iterable[str]) -> tuple[str, ...]:
    # `ClusterPrivilegeResolver.sortByAccessLevel`: by how many other privileges a privilege implies, then by name.
    return tuple(sorted(names, key=lambda name: (_implied(name), name)))


@lru_cache(maxsize=len(CLUSTER))
def _implied(name: str) -> int:
    own = cluster_language(name)
    return sum(included(asked_cluster_language(other), own) for other in CLUSTER if other != name)


def _by_containment(names: Iterable[str]) -> tuple[str, ...]:
    # `Privilege.sortByAccessLevel`: by in how many others a privilege is contained, most first, then by name.
    return tuple(sorted(names, key=lambda name: (-_containing(name), name)))


@lru_cache(maxsize=len(INDEX))
def _containing(name: str) -> int:
    # Those of the failure store are a list of their own.
    pool = FAILURES_ONLY if name in FAILURES_ONLY else INDEX.keys() - FAILURES_ONLY
    own = index_language(name)
    return sum(included(own, index_language(other)) for other in pool if other != name)
