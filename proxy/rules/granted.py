"""Who has which roles of the role files: the part of authority `roles` that looks at names.

A mapping speaks of people unless it names API keys: a key carries the name of whoever made it, and may hold far less
than they do. Whoever makes a key names it as they like, so a key's name counts only beside its maker's.
See docs/decisions/085-who-has-which-roles.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from proxy.model import Identity, Owner, OwnerKind
from proxy.privileges import Role
from proxy.privileges.patterns import matches
from proxy.rules.compiled import RoleMapping, Rules
from proxy.rules.situation import Unknown

SERVICE_ACCOUNTS = "_service_account"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """What of a subject a mapping may look at; None where that is not known, and so matches nothing."""

    user: str | None
    roles: tuple[str, ...]
    realm: str | None
    api_key: str | None
    is_key: bool


def roles_of(rules: Rules, who: Identity | Owner | None) -> tuple[Role, ...] | Unknown:
    """The role files' roles that somebody has, each once, in the order in which mappings give them.

    Where there are no mappings at all a role of the role files belongs to whoever has a role of that name. A grant that
    shows only some documents or fields is left out: nothing keeps a job from copying the others.
    Raises Undecidable where a mapping's pattern cannot be compared.
    """
    names = _owner(who) if isinstance(who, Owner) else None if who is None else _identity(who)
    if names is None:
        return Unknown("the cluster does not tell whose credentials the job runs with, so it has no role of the files")
    granted = tuple(dict.fromkeys(_granted(rules, names)))
    gone = [name for name in granted if name not in rules.roles]
    if gone:
        return Unknown(f"[{', '.join(gone)}] is in no role file; name the file under `roles`")
    return tuple(_whole(rules.roles[name].role) for name in granted)


def _whole(role: Role) -> Role:
    """A role without what it grants in part."""
    whole = tuple(grant for grant in role.indices if grant.query is None and grant.field_security is None)
    return role if len(whole) == len(role.indices) else replace(role, indices=whole)


def _granted(rules: Rules, names: _Names) -> Iterator[str]:
    # What a key has by way of roles are descriptors of its own, under names that its maker chose.
    if not rules.role_mappings and not names.is_key:
        yield from (name for name in names.roles if name in rules.roles)
    for mapping in rules.role_mappings:
        if _matches(mapping, names):
            yield from mapping.grants


def speaks_of(mapping: RoleMapping, who: Identity | Owner) -> bool:
    """Whether a mapping gives its roles to somebody. Raises Undecidable where a pattern cannot be compared."""
    names = _owner(who) if isinstance(who, Owner) else _identity(who)
    return names is not None and _matches(mapping, names)


def _matches(mapping: RoleMapping, names: _Names) -> bool:
    if names.is_key and (mapping.api_keys is None or mapping.users is None):
        return False
    return (
        _one(mapping.users, () if names.user is None else (names.user,))
        and _one(mapping.roles, names.roles)
        and _one(mapping.realms, () if names.realm is None else (names.realm,))
        and _one(mapping.api_keys, () if names.api_key is None else (names.api_key,))
    )


def _one(patterns: tuple[str, ...] | None, names: tuple[str, ...]) -> bool:
    return patterns is None or any(matches(patterns, name) for name in names)


def _identity(who: Identity) -> _Names:
    return _Names(
        user=who.username,
        roles=who.roles,
        # Where somebody is run as, the one who counts comes from the realm in which they were looked up.
        realm=who.lookup_realm or who.realm,
        api_key=who.api_key_name,
        is_key=who.api_key_id is not None,
    )


def _owner(owner: Owner) -> _Names | None:
    match owner.kind:
        case OwnerKind.ROLES:
            return _Names(user=None, roles=owner.roles, realm=None, api_key=None, is_key=False)
        case OwnerKind.API_KEY:
            return _Names(user=None, roles=(), realm=None, api_key=owner.api_key_name, is_key=True)
        case OwnerKind.SERVICE_ACCOUNT:
            return _Names(user=owner.service_account, roles=(), realm=SERVICE_ACCOUNTS, api_key=None, is_key=False)
        case _:
            return None
