"""Compiled rules: what a valid rule file says, as values that never change."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from proxy.errors import StartgateError
from proxy.privileges import Role

# What starting a job takes (`StartDataFrameAnalyticsAction.NAME`).
START_ACTION = "cluster:admin/xpack/ml/data_frame/analytics/start"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the rule files something is written; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class GuardFailed(StartgateError):
    """A condition cannot be told: something that it looks at is not there, or not of the kind that it takes."""


class Program(Protocol):
    """A compiled condition. `paths` are the dotted names that it looks at (`job.dest.index`), `mentions` all names of
    variables and fields in them."""

    @property
    def paths(self) -> frozenset[str]:
        """The dotted names in the expression."""

    @property
    def mentions(self) -> frozenset[str]:
        """The names of variables and fields in the expression."""

    def holds(self, environment: Mapping[str, Any]) -> bool:
        """Whether the condition is true. Raises GuardFailed where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One privilege, in lower case, that must be held, and where that is written."""

    privilege: str
    origin: Origin


class Authority(StrEnum):
    """Who answers whether a subject holds a privilege."""

    CLUSTER = "cluster"
    ROLES = "roles"
    BOTH = "both"


class Mode(StrEnum):
    """What a guard does that denies: refuse; let pass with a `Warning` header; or only be recorded."""

    ENFORCE = "enforce"
    WARN = "warn"
    SHADOW = "shadow"


class SubjectKind(StrEnum):
    """Of whom index privileges are asked."""

    DATA = "data"
    OWNER = "owner"


class CreateAs(StrEnum):
    """With whose credentials the destination is created.

    `auto` takes the data subject's where they are at hand (caller or secondary), else the service credential.
    """

    AUTO = "auto"
    CALLER = "caller"
    SERVICE = "service"


class OnRefusedStart(StrEnum):
    """What happens to a destination that was created for a start which the cluster then refused."""

    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Trusted:
    """A trusted intermediary, as `_security/_authenticate` names it: user name and authenticating realm.

    `realm_type` must match as well where it is given: any realm can be given the name of another.
    """

    username: str
    realm: str
    origin: Origin
    realm_type: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One index setting, by its whole dotted key, and where that is written."""

    key: str
    value: str | int | tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Override:
    """What is laid over the copied settings of destinations whose name matches `pattern` (`*` is any characters)."""

    pattern: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A condition that speaks against a start where it is true: `program` is `deny`, compiled.

    `id` is unique in all rules; `message` is told to the client.
    """

    id: str
    mode: Mode
    deny: str
    program: Program = field(repr=False, compare=False)
    message: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Sources whose names match `sources` may be copied into destinations whose names match `destinations`.

    Patterns are Elasticsearch's (`*`, `?`, `/regex/`).
    """

    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMapping:
    """Who has which roles of the role files: whoever matches every kind of name that is given, by one name each.

    `users`, `roles` (the cluster's), `realms` and `api_keys` are patterns (`*`, `?`, `/regex/`); None matches anybody.
    """

    grants: tuple[str, ...]
    users: tuple[str, ...] | None
    roles: tuple[str, ...] | None
    realms: tuple[str, ...] | None
    api_keys: tuple[str, ...] | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class DefinedRole:
    """A role of a role file, and where it is written."""

    role: Role
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """An exception for an emergency: from `from_ms` until before `until_ms` (milliseconds since 1970) these users may
    start these jobs though the rules say no. Names are patterns.

    `signed_by` names the key that vouches for it by `signature` (Ed25519, base64); see `signed`.
    """

    id: str
    from_ms: int
    until_ms: int
    users: tuple[str, ...]
    jobs: tuple[str, ...]
    reason: str
    signed_by: str
    signature: str
    origin: Origin

    def in_force(self, now_ms: int) -> bool:
        """Whether it counts at this moment: it dies by itself, whether or not rules are read again."""
        return self.from_ms <= now_ms < self.until_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules in force. `files` is what was read, in order; of `overrides` the later wins.

    `roles` are those of the role files by name, `role_files` these files as they are named in the rules. Where `flows`
    is None any source may go to any destination; an empty one lets nothing be copied.
    """

    files: tuple[str, ...]
    cluster: tuple[Requirement, ...]
    source: tuple[Requirement, ...]
    destination: tuple[Requirement, ...]
    authority: Authority
    subjects: tuple[SubjectKind, ...]
    trusted: tuple[Trusted, ...]
    create_as: CreateAs
    on_refused_start: OnRefusedStart
    overrides: tuple[Override, ...] = ()
    flows: tuple[Flow, ...] | None = None
    guards: tuple[Guard, ...] = ()
    roles: Mapping[str, DefinedRole] = field(default_factory=dict)
    role_files: tuple[str, ...] = ()
    role_mappings: tuple[RoleMapping, ...] = ()
    break_glass: tuple[BreakGlass, ...] = ()
    # Made once: every start is recorded with it.
    revision: str = field(init=False, repr=False, compare=False)
    seal: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """`revision` is a short hash over what the rules mean: the same wherever and however they are written.

        `seal` leaves out what vouches for itself or is a file of its own: break-glass entries are signed, and role
        files change without the rules.
        """
        meaning = self.checks()
        meaning["on_refused_start"] = self.on_refused_start
        if self.overrides:
            # In their order, which means something.
            meaning["overrides"] = [
                [override.pattern, *([setting.key, setting.value] for setting in override.settings)]
                for override in self.overrides
            ]
        object.__setattr__(self, "seal", _hash(meaning))
        if self.roles:
            meaning["roles"] = sorted(repr(defined.role) for defined in self.roles.values())
        if self.break_glass:
            meaning["break_glass"] = sorted(
                [one.id, one.from_ms, one.until_ms, one.users, one.jobs, one.reason, one.signed_by, one.signature]
                for one in self.break_glass
            )
        object.__setattr__(self, "revision", _hash(meaning))

    def checks(self) -> dict[str, Any]:
        """What of the rules can decide over a start, besides roles and exceptions, as plain values."""
        meaning: dict[str, Any] = {
            "cluster": sorted(item.privilege for item in self.cluster),
            "source": sorted(item.privilege for item in self.source),
            "destination": sorted(item.privilege for item in self.destination),
            "authority": self.authority,
            "subjects": sorted(self.subjects),
            "trusted": sorted([item.username, item.realm, item.realm_type or ""] for item in self.trusted),
            "create_as": self.create_as,
        }
        if self.flows is not None:
            meaning["flows"] = sorted([sorted(flow.sources), sorted(flow.destinations)] for flow in self.flows)
        if self.guards:
            meaning["guards"] = sorted([one.id, one.mode, one.deny.strip(), one.message] for one in self.guards)
        if self.role_files:
            meaning["role_files"] = sorted(self.role_files)
        if self.role_mappings:
            meaning["role_mappings"] = sorted(
                json.dumps([sorted(one.grants), *(_names(kind) for kind in _kinds(one))]) for one in self.role_mappings
            )
        return meaning

    @property
    def needs_resolution(self) -> bool:
        """Whether a verdict needs what the source expressions and the destination's name stand for."""
        return self.flows is not None or any(
            {"resolved", "destination"} & guard.program.mentions for guard in self.guards
        )

    @property
    def needs_running(self) -> bool:
        """Whether a verdict needs the jobs that are under way."""
        return any("running" in guard.program.mentions for guard in self.guards)


def _kinds(mapping: RoleMapping) -> tuple[tuple[str, ...] | None, ...]:
    return mapping.users, mapping.roles, mapping.realms, mapping.api_keys


def _names(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _hash(meaning: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:12]
