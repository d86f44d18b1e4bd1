"""Reads the users and users_roles files: both or neither, with every fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy.errors import ConfigError, Fault
from proxy.identity.hashes import StoredHash
from proxy.identity.userfiles import read_users, read_users_roles

# A hundred thousand users have some 10 MB; a file far larger was named by mistake.
FILE_BYTES = 16 * 1024 * 1024

Signature = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What the files say: hashes and role names, each by user name. `seen` tells states of the files apart."""

    users: Mapping[str, StoredHash] = field(default_factory=dict, repr=False)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seen: Signature = ()


def signature(paths: Sequence[str | None]) -> Signature:
    """What changes with a file: written, replaced, or swapped behind a symbolic link. Empty for one that is gone."""
    return tuple(_signature(path) for path in paths if path is not None)


def _signature(path: str) -> tuple[int, ...]:
    try:
        found = Path(path).stat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def load(users_file: str | None, roles_file: str | None) -> People:
    """Both files; None for one that is not configured.

    Raises:
        ConfigError: with every fault of both; or they changed while they were read, which the next try will settle.
    """
    before = signature((users_file, roles_file))
    faults: list[Fault] = []
    users: Mapping[str, StoredHash] = {}
    roles: Mapping[str, tuple[str, ...]] = {}
    if users_file is not None and (text := _text(users_file, faults)) is not None:
        users, found = read_users(text, users_file)
        faults += found
    if roles_file is not None and (text := _text(roles_file, faults)) is not None:
        roles, found = read_users_roles(text, roles_file)
        faults += found
    if not faults and signature((users_file, roles_file)) != before:
        faults.append(Fault(users_file or roles_file or "", "changed while it was read"))
    if faults:
        raise ConfigError(faults)
    return People(users=users, roles=roles, seen=before)


def _text(path: str, faults: list[Fault]) -> str | None:
    try:
        with Path(path).open("rb") as file:
            held = file.read(FILE_BYTES + 1)
    except OSError as failure:
        faults.append(Fault(path, f"cannot be read: {failure.strerror or failure}"))
        return None
    if len(held) > FILE_BYTES:
        faults.append(Fault(path, f"is larger than {FILE_BYTES} bytes"))
        return None
    try:
        return held.decode()
    except UnicodeDecodeError as failure:
        faults.append(Fault(path, "is not UTF-8 text", held.count(b"\n", 0, failure.start) + 1, 1))
        return None
