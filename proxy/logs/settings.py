"""What a process is told of logging: plain values, made by `config`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CONSOLE = "console"
JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How much is told: `level` in general, `each` by the dotted name of a logger, for it and what is under it. Values
    are the keys of `levels.LEVELS`."""

    level: str = "info"
    each: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLog:
    """A line for a request. `path` is a file, None for standard error. Of all requests the share `sample` is told, from
    0 to 1; beside them those that take `slow_s` seconds (0: none for that), and with `errors` those that fail.
    `query`: targets are told with their queries."""

    path: str | None = None
    sample: float = 1.0
    # What a person would call slow, and far above what a search takes.
    slow_s: float = 5.0
    errors: bool = True
    query: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """`format` is `console` or `json`; `path` a file that is appended to, None for standard error; `access` None where
    requests are not told. A start that takes `slow_start_s` seconds is told with what took so long; 0: none."""

    format: str = CONSOLE
    path: str | None = None
    levels: Levels = field(default_factory=Levels)
    access: AccessLog | None = None
    # A start takes some milliseconds beside the cluster's own time, and that is bounded by the start's `timeout`, which
    # is 20 s where nobody says otherwise.
    slow_start_s: float = 10.0
