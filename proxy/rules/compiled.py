"""Compiled rules: what a valid rule file says, as values that never change."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# What starting a job takes (`StartDataFrameAnalyticsAction.NAME`).
START_ACTION = "cluster:admin/xpack/ml/data_frame/analytics/start"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the rule files something is written; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One privilege, in lower case, that must be held, and where that is written."""

    privilege: str
    origin: Origin


class Authority(StrEnum):
    """Who answers whether a subject holds a privilege."""

    CLUSTER = "cluster"


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
class Rules:
    """All rules in force. `files` is what was read, in order; of `overrides` the later wins."""

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

    @property
    def revision(self) -> str:
        """A short hash over what the rules mean: the same wherever and however they are written."""
        meaning: dict[str, Any] = {
            "cluster": sorted(item.privilege for item in self.cluster),
            "source": sorted(item.privilege for item in self.source),
            "destination": sorted(item.privilege for item in self.destination),
            "authority": self.authority,
            "subjects": sorted(self.subjects),
            "trusted": sorted([item.username, item.realm, item.realm_type or ""] for item in self.trusted),
            "create_as": self.create_as,
            "on_refused_start": self.on_refused_start,
        }
        if self.overrides:
            # In their order, which means something.
            meaning["overrides"] = [
                [override.pattern, *([setting.key, setting.value] for setting in override.settings)]
                for override in self.overrides
            ]
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:12]
