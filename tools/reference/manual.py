"""The man page, in the macros of man(7)."""

from collections.abc import Iterator

from proxy.errors import ExitStatus
from tools.reference.refusals import STATUSES
from tools.reference.tree import PROGRAM, Command, Option, commands


def manual(version: str) -> str:
    """The whole page. It has no date: the same code gives the same page."""
    main, *below = commands()
    lines = [
        f'.TH STARTGATE 1 "" "startgate {version}" "Startgate"',
        ".SH NAME",
        r"startgate \- check, prepare and record the start of data frame analytics in front of Elasticsearch",
        ".SH SYNOPSIS",
        f".B {PROGRAM}",
        _text(main.usage.removeprefix(PROGRAM).strip()),
        ".SH DESCRIPTION",
        *_paragraphs(main),
        ".SH OPTIONS",
        *_options(main.options),
        ".SH COMMANDS",
        *(line for one in below for line in _command(one)),
        *_rest(),
    ]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> Iterator[str]:
    yield f".SS {_text(command.name)}"
    yield f".B {_text(command.usage)}"
    yield from _paragraphs(command)
    if not command.is_group:
        yield from _options(command.options)


def _paragraphs(command: Command) -> Iterator[str]:
    for paragraph in command.paragraphs:
        yield ".PP"
        yield _text(paragraph)


def _options(options: tuple[Option, ...]) -> Iterator[str]:
    for one in options:
        yield ".TP"
        yield f".B {_text(one.written)}"
        yield _text(one.means)


def _rest() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for status in ExitStatus:
        yield from (".TP", f".B {int(status)}", _text(STATUSES[status]))
    yield ".SH ENVIRONMENT"
    yield from (
        ".TP",
        ".B STARTGATE_CONFIG",
        "The configuration file, where --config is not given.".replace("-", r"\-"),
    )
    yield from (
        ".TP",
        ".B STARTGATE_PASSWORD",
        "The password of the user that an option names, where it is not asked for.",
    )
    yield from (".TP", ".B STARTGATE_\\fISECTION\\fR__\\fIKEY\\fR", "A key of the configuration; wins over the file.")
    yield ".SH FILES"
    yield from (".TP", ".B startgate.yml", "The configuration, in the working directory, where no other is named.")
    yield from (".TP", ".B journal/", "The record, where the configuration names no other folder.")


def _text(text: str) -> str:
    # A backslash begins an escape, a hyphen that is to be copied must be a minus, and a line that begins with a dot
    # or a quote would be a macro (groff_char(7), man-pages(7)).
    safe = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...").replace("→", "to")
    return rf"\&{safe}" if safe.startswith((".", "'")) else safe
