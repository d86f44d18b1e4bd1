"""A running Startgate, as commands ask it: by the API of its admin port, like pages and programs.

Where that port is off, or nobody answers at its socket, the gate's own socket is asked, of which the admin port itself
asks: rules have to be read again, and levels changed, while the admin process is just being started anew.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from proxy.admin.client import NobodyAnswers, Refused, Where, change, get, near
from proxy.admin.endpoints.log import Level
from proxy.admin.shown.journal import Journal
from proxy.admin.shown.rules import Rules
from proxy.commands.common import config_option, elsewhere, read_config
from proxy.control.client import Control
from proxy.errors import CannotServe, ConfigError, ExitStatus, Fault
from proxy.gate.standing import Attempt, Standing
from proxy.journal.standing import JournalStanding
from proxy.logs.levels import NoSuchLevel
from proxy.logs.settings import Levels
from proxy.settings import AdminPort

T = TypeVar("T")

# The record of a change is waited for: as long as the gate itself may take.
CHANGE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Place:
    """Which Startgate is asked: that of a configuration on this machine, or the one whose admin port is at `url`, with
    the token in a file and the authorities (PEM) of its certificate."""

    config_file: Path | None
    url: str | None
    token_file: Path | None
    ca: Path | None

    @property
    def port(self) -> AdminPort:
        """The configuration's admin port. Raises ConfigError, also where it is off."""
        port = read_config(self.config_file).admin
        if port is None:
            raise ConfigError([Fault("admin.listen", "is off: there is nobody to ask")])
        return port

    @property
    def elsewhere(self) -> Where | None:
        """The admin port that an option names, None where none does. Raises ConfigError."""
        return None if self.url is None else elsewhere(self.url, self.token_file, self.ca)

    @property
    def where(self) -> Where:
        """The admin port. Raises ConfigError; CannotServe: there is no way to know where it is."""
        return self.elsewhere or near(self.port)

    def running(self) -> "Running":
        """Whom to ask. Raises ConfigError."""
        if (there := self.elsewhere) is not None:
            return Running(there, None)
        config = read_config(self.config_file)
        here = None if config.admin is None else config.admin.socket
        local = Where(socket=Path(here)) if here is not None and Path(here).is_socket() else None
        return Running(local, Control(Path(config.control_socket)))


def place_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options by which a command gets a `Place` as `place`."""

    @functools.wraps(command)
    def placed(
        *args: Any,  # noqa: ANN401 -- click's
        config_file: Path | None,
        url: str | None,
        token_file: Path | None,
        ca: Path | None,
        **options: Any,  # noqa: ANN401 -- click's
    ) -> None:
        command(*args, place=Place(config_file, url, token_file, ca), **options)

    for option in (_CA, _TOKEN, _URL, config_option):
        placed = option(placed)
    return placed


_URL = click.option(
    "--admin", "url", metavar="URL", help="Another machine's admin port, such as https://es.example.org:9402."
)
_TOKEN = click.option("--token-file", type=click.Path(path_type=Path), help="File with a bearer token for it.")
_CA = click.option("--ca", type=click.Path(path_type=Path), help="PEM file with the authority of its certificate.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunk:
    """A sink: so many `records` it does not have yet; `trouble` is why, in its words, empty while all is well."""

    name: str
    records: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Running:
    """One that runs: `api` is where its API is, `gate` its control socket; one of them may be None, which is not
    known."""

    api: Where | None
    gate: Control | None

    def __post_init__(self) -> None:
        if self.api is None and self.gate is None:
            raise ValueError("there is nobody to ask")

    async def standing(self) -> Standing:
        """How the rules stand. Raises CannotServe: nobody answers, or the call is refused."""

        async def told(where: Where) -> Standing:
            return _standing(await get(where, "/v1/rules", Rules))

        return await self._first(told, lambda gate: gate.standing())

    async def reload(self, wait_s: float) -> Attempt:
        """Have the rules read again, and wait for what comes of it. Raises CannotServe, also where it does not come
        within `wait_s` seconds."""

        async def told(where: Where) -> Attempt:
            return await change(where, "POST", "/v1/rules/reload", Attempt, wait_s=wait_s)

        return await self._first(told, lambda gate: gate.reload(wait_s))

    async def journal(self) -> JournalStanding:
        """How the journal stands. Raises CannotServe."""

        async def told(where: Where) -> JournalStanding:
            journal = await get(where, "/v1/journal", Journal)
            if journal.standing is None:
                raise CannotServe(ExitStatus.UNREACHABLE, journal.reason)
            return journal.standing

        return await self._first(told, lambda gate: gate.journal())

    async def sinks(self) -> tuple[Sunk, ...]:
        """How far each sink is behind, and what keeps it from taking more. Raises CannotServe."""

        async def told(where: Where) -> tuple[Sunk, ...]:
            rows = (await get(where, "/v1/journal", Journal)).sinks
            return tuple(Sunk(name=one.name, records=one.lag_records, trouble=one.reason) for one in rows)

        async def of_gate(gate: Control) -> tuple[Sunk, ...]:
            return tuple(
                Sunk(name=one.sink, records=one.lag.records, trouble=one.trouble) for one in await gate.sinks()
            )

        return await self._first(told, of_gate)

    async def levels(self) -> Levels:
        """How much is logged. Raises CannotServe."""

        async def told(where: Where) -> Levels:
            return await get(where, "/v1/log", Levels)

        return await self._first(told, lambda gate: gate.levels())

    async def change_level(self, level: str, logger: str) -> Levels:
        """Have a logger, or all where it is empty, tell so much. Raises NoSuchLevel; CannotServe, also where the change
        cannot be recorded, so that it is not made."""

        async def told(where: Where) -> Levels:
            wish = Level(level=level, logger=logger)
            try:
                return await change(where, "PUT", "/v1/log", Levels, wish, CHANGE_S)
            except Refused as refusal:
                if refusal.answer.status == 422:
                    raise NoSuchLevel(refusal.answer.reason) from None
                raise

        return await self._first(told, lambda gate: gate.change_level(level, logger))

    async def _first(self, told: Callable[[Where], Awaitable[T]], of_gate: Callable[[Control], Awaitable[T]]) -> T:
        """What the API answers; what the gate does where there is no API to ask."""
        try:
            if self.api is not None:
                return await told(self.api)
        except CannotServe as failure:
            if self.gate is None or not _is_no_answer(failure):
                raise _plainly(failure) from None
        assert self.gate is not None  # noqa: S101 -- `__post_init__`
        return await of_gate(self.gate)


def _is_no_answer(failure: CannotServe) -> bool:
    """Whether the gate may be asked instead: nobody is there, or only another user is served. The system's own
    administrator may ask a gate that another user runs."""
    return isinstance(failure, NobodyAnswers) or (isinstance(failure, Refused) and failure.answer.status in (401, 403))


def _plainly(failure: CannotServe) -> CannotServe:
    """What the API says of the gate needs no more words."""
    if isinstance(failure, Refused) and failure.answer.status == 503:
        return CannotServe(ExitStatus.UNREACHABLE, failure.answer.reason)
    return failure


def _standing(rules: Rules) -> Standing:
    return Standing(
        revision=rules.revision,
        loaded_at=rules.loaded_at,
        age_s=rules.age_s,
        path=rules.path,
        files=tuple(one.path for one in rules.files),
        watched=rules.watched,
        last_attempt=rules.last_attempt,
        break_glass=rules.break_glass,
        attempts=rules.attempts,
        reloads=rules.reloads,
    )
