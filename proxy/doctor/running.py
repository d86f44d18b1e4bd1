"""A Startgate that runs here with this configuration: whether it is well, of this version, and has its addresses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from proxy.admin.client import ask
from proxy.admin.health import EDGES, Health
from proxy.doctor.holders import family, holds
from proxy.doctor.host import Host
from proxy.doctor.model import Finding, fail, ok, skip, warn
from proxy.errors import CannotServe
from proxy.listeners import prove_free
from proxy.settings import AdminPort, Listen

PACKAGE: Final = "startgate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a running Startgate tells of itself; `health` is None where none answers, and `why` says why."""

    health: Health | None = None
    why: str = ""

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes."""
        told = self.health.processes if self.health is not None else ()
        return tuple(one.pid for one in told if one.pid is not None)

    @property
    def worker(self) -> str:
        """A worker's process id, for its limits; one's own where none runs."""
        told = self.health.processes if self.health is not None else ()
        return next((str(one.pid) for one in told if one.pid is not None and one.name.startswith(EDGES)), "self")


async def running(admin: AdminPort | None) -> Running:
    """Asks the admin port of this configuration."""
    if admin is None:
        return Running(why="not known: admin.listen is off")
    try:
        return Running(health=await ask(admin))
    except CannotServe as failure:
        return Running(why=f"none that is known of: {failure}")


def judged(one: Running) -> Finding:
    """Whether it is well, and of this version."""
    if one.health is None:
        return skip("running", one.why)
    own = version(PACKAGE)
    if one.health.version != own:
        seen = f"version {one.health.version} runs, and {own} is installed"
        return warn("running", seen, "`startgate serve --takeover` puts the new one in its place without a gap")
    wrong = [f"{check.name}: {check.reason}" for check in one.health.checks if not check.ok]
    if wrong:
        return fail("running", f"version {own} runs, and is not ready: {'; '.join(wrong)}", "`startgate status`")
    return ok("running", f"version {own} runs and is ready, {len(one.health.processes)} processes")


def addresses(listens: Sequence[Listen], admin: AdminPort | None, one: Running, host: Host) -> list[Finding]:
    """Whether each address is free, or the running Startgate's."""
    wanted = [*listens, *([Listen(host=admin.host, port=admin.port)] if admin is not None else [])]
    return [finding for listen in wanted for finding in _address(listen, one, host)]


def _address(listen: Listen, one: Running, host: Host) -> Iterator[Finding]:
    named = f"{listen.host}:{listen.port}"
    if not listen.port:
        yield ok("addresses", f"{named}: the system chooses a port")
        return
    try:
        prove_free([listen])
    except CannotServe as failure:
        if "in use" not in str(failure):
            yield fail("addresses", str(failure), "an address of this machine, under `listen`")
            return
        held = holds(host, family(host, one.pids), listen.port) if one.pids else False
        if held:
            yield ok("addresses", f"{named} is the running Startgate's")
        elif held is None:
            yield skip("addresses", f"{named} is taken; whether by Startgate, only its own user can see")
        else:
            yield fail("addresses", f"{named} is taken by another program", "stop it, or choose another under `listen`")
    else:
        if one.health is not None:
            seen = f"{named} is free, and yet a Startgate answers at admin.listen: it has another configuration"
            yield warn("addresses", seen, "give each its own admin.listen, or start this one with this configuration")
            return
        yield ok("addresses", f"{named} is free")
