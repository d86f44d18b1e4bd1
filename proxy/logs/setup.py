"""Logging in this process: set up once, changed while it runs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from proxy.logs import form, levels
from proxy.logs.out import Out
from proxy.logs.settings import JSON, Levels, LogSettings

logger = logging.getLogger(__name__)


class Lines(logging.Handler):
    """Writes each event as a line of its own, at once."""

    def __init__(self, out: Out, line: form.Line) -> None:
        super().__init__()
        self.out = out
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """logging: one event. Raises nothing; what is lost is told as soon as something can be written again."""
        if self.out.write(self._line(record, self.out.most)) and self.out.lost:
            lost, self.out.lost = self.out.lost, 0
            logger.warning("%d lines of this log were lost: %s", lost, self.out.why)


@dataclass(slots=True)
class _Now:
    """What is in force in this process."""

    levels: Levels
    lines: Lines | None = None
    more: list[Out] = field(default_factory=list)


_now = _Now(Levels())


def configure(
    process: str, settings: LogSettings | None = None, trace: Callable[[], form.Trace | None] | None = None
) -> None:
    """Set logging up for this process; `process` stands in every line, such as `edge-1`. Without settings, lines for
    people go to standard error. `trace` tells the trace that is under way. Raises OSError where the log's file cannot
    be opened: all stays as it was."""
    settings = settings or LogSettings()
    out = Out(settings.path)
    line = form.ecs(process, version("startgate"), trace) if settings.format == JSON else form.console(process)
    before, _now.lines = _now.lines, Lines(out, line)
    logging.getLogger().handlers[:] = [_now.lines]
    if before is not None:
        before.out.close()
    set_levels(settings.levels)


def set_levels(wanted: Levels) -> None:
    """Tell so much from now on."""
    _now.levels = wanted
    levels.apply(wanted)


def current_levels() -> Levels:
    """How much is told."""
    return _now.levels


def also_reopen(out: Out) -> None:
    """A further file that is to be opened again together with the log."""
    _now.more.append(out)


def leave(out: Out) -> None:
    """A further file is not written any more."""
    _now.more.remove(out)
    out.close()


def reopen() -> None:
    """Go on in new files, where there are any; what fails is logged, and goes on where it was."""
    for out in (*([_now.lines.out] if _now.lines is not None else []), *_now.more):
        try:
            out.reopen()
        except OSError as failure:
            logger.error("the log cannot be opened again, and goes on where it was: %s", failure)
