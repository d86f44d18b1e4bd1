"""`log.*`: how processes log, how much, and which requests are told."""

import os
from pathlib import Path

from proxy.config import values
from proxy.config.identity import Taker
from proxy.config.tree import Node, invalid
from proxy.errors import ConfigError, Fault
from proxy.logs.levels import NoSuchLevel, known_level, known_logger
from proxy.logs.settings import CONSOLE, JSON, AccessLog, Levels, LogSettings

FORMATS = (CONSOLE, JSON)
# In place of a file, for the access log.
STDERR = "stderr"
_ACCESS = "log.access."


def log_settings(reader: Taker) -> LogSettings:
    """The section `log`. Faults go to `reader`."""
    default = LogSettings()
    none: dict[str, str] = {}
    return LogSettings(
        format=reader.take("log.format", lambda node: values.choice(node, FORMATS), default.format),
        path=reader.take("log.path", _file, None),
        levels=Levels(
            level=reader.take("log.level", _level, default.levels.level),
            each=reader.take("log.levels", _levels, none),
        ),
        access=_access(reader),
        slow_start_s=reader.take(
            "log.slow_start_s", lambda node: values.seconds(node, or_zero=True), default.slow_start_s
        ),
    )


def _access(reader: Taker) -> AccessLog | None:
    default = AccessLog()
    path = reader.take(f"{_ACCESS}path", _place, None)
    made = AccessLog(
        path=None if path == STDERR else path,
        sample=reader.take(f"{_ACCESS}sample", _share, default.sample),
        slow_s=reader.take(f"{_ACCESS}slow_s", lambda node: values.seconds(node, or_zero=True), default.slow_s),
        errors=reader.take(f"{_ACCESS}errors", values.switch, default.errors),
        query=reader.take(f"{_ACCESS}query", values.switch, default.query),
    )
    if f"{_ACCESS}path" in reader.found:
        return None if path is None else made
    for key in reader.found:
        if key.startswith(_ACCESS):
            reader.refuse(key, f"needs {_ACCESS}path: a file, or {STDERR}")
    return None


def _place(node: Node) -> str:
    return STDERR if node.value == STDERR else _file(node)


def _file(node: Node) -> str:
    """A file that can be appended to, or made. It is not made here: who checks a configuration may be somebody else
    than who runs with it."""
    path = Path(node.path(values.text(node)))
    if path.is_dir():
        raise invalid(node, f"{path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise invalid(node, f"{path.parent} does not exist or is no folder")
    needed = path if path.exists() else path.parent
    if not os.access(needed, os.W_OK):
        raise invalid(node, f"{needed} cannot be written: permission denied")
    return str(path)


def _level(node: Node) -> str:
    try:
        return known_level(values.text(node))
    except NoSuchLevel as failure:
        raise invalid(node, str(failure)) from None


def _levels(node: Node) -> dict[str, str]:
    """A map of loggers to levels, or `logger=level` with commas between in a variable. Raises ConfigError with every
    fault."""
    faults: list[Fault] = []
    found: dict[str, str] = {}
    for name, one in values.pairs(node, "loggers to levels", "logger=level").items():
        try:
            found[_logger(name, one)] = _level(one)
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return found


def _logger(name: str, node: Node) -> str:
    try:
        return known_logger(name)
    except NoSuchLevel as failure:
        raise invalid(node, str(failure), key=True) from None


def _share(node: Node) -> float:
    value = node.value
    if node.from_environment and isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            raise invalid(node, f"must be a number from 0 to 1, and is {node.value!r}") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        shown = value if isinstance(value, int | float | str) else node.kind
        raise invalid(node, f"must be a number from 0 to 1, such as 0.01 for one of a hundred, and is {shown}")
    return float(value)
