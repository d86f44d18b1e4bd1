"""From privilege names to actions and back (`ClusterPrivilegeResolver`, `IndexPrivilege`)."""

from proxy.errors import StartgateError


class UnknownPrivilege(StartgateError):
    """A privilege name that Elasticsearch does not know; the text is Elasticsearch's own, plus the nearest name."""


def require_cluster_privilege(name: str) -> None:
    """Raise `UnknownPrivilege` unless `name` is a cluster privilege (case-insensitive) or a pattern of cluster actions."""
    raise NotImplementedError


def require_index_privilege(name: str) -> None:
    """Raise `UnknownPrivilege` unless `name` is an index privilege (case-insensitive) or a pattern of index actions."""
    raise NotImplementedError


def cluster_privilege_grants(name: str, action: str) -> bool:
    """Whether the one cluster privilege `name` allows `action`."""
    raise NotImplementedError


def granting_cluster_privileges(action: str) -> tuple[str, ...]:
    """Named cluster privileges that allow `action`, in the order of Elasticsearch's 403 text (weakest first)."""
    raise NotImplementedError


def granting_index_privileges(action: str) -> tuple[str, ...]:
    """Named index privileges that allow `action`, in the order of Elasticsearch's 403 text (weakest first)."""
    raise NotImplementedError
