"""The two files of Elasticsearch's file realm: `users` (`name:hash`) and `users_roles` (`role:user,user`).

Elasticsearch passes over lines that it does not understand (FileUserPasswdStore, FileUserRolesStore) and says so in its
log. Here each is a fault, and a file with a fault is not used: who is left out, or let in, by a slip is worth knowing
at once. For the same reason the last line must end: `admin:ann,bobby` that is cut after `bob` names somebody else.
"""

import re
from collections.abc import Iterator, Mapping

from proxy.errors import Fault
from proxy.identity.hashes import StoredHash, read_hash
from proxy.identity.names import wrong_name

_COMMA = re.compile(r"\s*,\s*")


def read_users(text: str, where: str) -> tuple[Mapping[str, StoredHash], list[Fault]]:
    """Hashes by user name, and every fault; `where` names the file in them. A file without a user is a fault."""
    found: dict[str, StoredHash] = {}
    lines: dict[str, int] = {}
    faults = _cut(text, where)
    for number, line in _entries(text):
        name, colon, written = line.strip().partition(":")
        problem = "must be name:hash" if not (colon and written) else wrong_name(name)
        if problem is not None:
            faults.append(Fault(where, f"user name {problem}" if colon and written else problem, number, 1))
            continue
        if name in lines:
            faults.append(Fault(where, f"user {name!r} stands in line {lines[name]} as well", number, 1))
            continue
        lines[name] = number
        try:
            found[name] = read_hash(written)
        except ValueError as failure:
            faults.append(Fault(where, f"user {name!r}: {failure}", number, len(name) + 2))
    if not lines and not faults:
        faults.append(Fault(where, "holds no user"))
    return found, faults


def read_users_roles(text: str, where: str) -> tuple[Mapping[str, tuple[str, ...]], list[Fault]]:
    """Role names by user name, in the file's order, and every fault. A role may have several lines."""
    found: dict[str, list[str]] = {}
    faults = _cut(text, where)
    for number, line in _entries(text):
        written, colon, users = line.partition(":")
        role, users = written.strip(), users.strip()
        if not (colon and users):
            faults.append(Fault(where, "must be role:user,user", number, 1))
            continue
        if problem := wrong_name(role):
            faults.append(Fault(where, f"role name {problem}", number, 1))
            continue
        for user in _COMMA.split(users):
            if problem := wrong_name(user):
                faults.append(Fault(where, f"role {role!r}: user name {problem}", number, len(written) + 2))
            elif role not in found.setdefault(user, []):
                found[user].append(role)
    return {user: tuple(roles) for user, roles in found.items()}, faults


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers. A comment begins at the first column, as in Elasticsearch."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line.rstrip("\r")


def _cut(text: str, where: str) -> list[Fault]:
    if not text or text.endswith("\n"):
        return []
    message = "the last line has no line end: the file may be cut short"
    return [Fault(where, message, text.count("\n") + 1, len(text) - text.rfind("\n"))]
