"""`startgate init`: a first configuration with rules, and the commands that make the service credential."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proxy import listeners
from proxy.commands.common import base_address, printed, reported
from proxy.config import load, shipped_rules
from proxy.config.tree import Node, Place
from proxy.config.values import listen as read_listen
from proxy.errors import CannotServe, ConfigError, Fault, InvalidInput
from proxy.rules.load import load as load_rules
from proxy.settings import Listen

if TYPE_CHECKING:
    from proxy.starter.model import Made, Wish

T = TypeVar("T")

SERVICES = ("api-key", "user", "none")
AUTHORITIES = ("cluster", "roles")
# The answers that are taken where nobody is asked.
NODES, LISTEN, SOURCES, DESTINATIONS = "http://127.0.0.1:9200", "127.0.0.1:9400", "flights-*", "flights-outliers*"


@click.command(short_help="Make a first configuration, with rules and the service credential's commands.")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@click.option("--nodes", metavar="URLS", help="Base addresses of the nodes, parted by commas.")
@click.option("--cluster-ca", metavar="FILE", help="PEM file with the authorities of the nodes' certificates.")
@click.option("--listen", "address", metavar="HOST:PORT", help="Where clients are to connect.")
@click.option("--service", type=click.Choice(SERVICES), help="What the service credential is to be.")
@click.option("--authority", type=click.Choice(AUTHORITIES), help="Who says what somebody may do; roles: no security.")
@click.option("--sources", metavar="PATTERNS", help="Indices that jobs read, parted by commas.")
@click.option("--destinations", metavar="PATTERNS", help="Indices that jobs write.")
@click.option("--tls/--no-tls", default=None, help="Whether to listen with TLS, with certificates for a test.")
@click.option("--workers", type=click.IntRange(1, 256), help="Edge processes.")
@click.option("--journal", metavar="DIR", help="Folder of the audit record.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; take the defaults.")
@click.option(
    "--force", is_flag=True, help="Also into a folder with something in it, writing over files; never secrets."
)
@click.option("--dry-run", is_flag=True, help="Print the files, and write nothing.")
def init(folder: Path, yes: bool, force: bool, dry_run: bool, **wanted: Any) -> None:  # noqa: ANN401 -- options by name
    """Make a first configuration in DIR (here where none is given): startgate.yml, rules with their first cases, and
    the commands that make the least-privilege service credential. On a terminal it asks for what no option says.

    All files are written, or none. Exit status: 2 something is wrong; 4 the port is taken.
    """
    # Here and not above: what runs in production loads nothing of this.
    from proxy.starter import files, look, place  # noqa: PLC0415 -- see above

    with reported(), printed():
        wish = _wish(wanted, ask=not yes and sys.stdin.isatty() and sys.stdout.isatty())
        _free(wish.listen)
        if not dry_run:
            place.find_room(folder, force=force)
        for text in asyncio.run(look.warnings(wish)):
            click.echo(f"warning: {text}", err=True)
        existing = [name for name in ("users",) if (folder / name).exists()]
        made = files.files(wish, shipped_rules(), existing)
        if dry_run:
            _print(made)
            return
        _tell(wish, folder, _written(folder, made))


def _wish(wanted: dict[str, Any], *, ask: bool) -> "Wish":
    """What is wanted, in the end; whatever is wrong with it is told at once. Raises ConfigError."""
    from proxy.starter.model import Wish  # noqa: PLC0415 -- see above

    said = _Said(wanted, ask=ask)
    nodes = said.value("nodes", "base addresses of the nodes", NODES, _nodes)
    address = said.value("address", "where clients are to connect", LISTEN, _listen)
    authority = said.choice("authority", "who says what somebody may do (roles: no security)", AUTHORITIES, "cluster")
    by_cluster = authority == "cluster"
    service = said.choice("service", "the service credential", SERVICES, "api-key" if by_cluster else "none")
    sources = said.value("sources", "indices that jobs read", SOURCES, _patterns("--sources"))
    destinations = said.value("destinations", "indices that jobs write", DESTINATIONS, _patterns("--destinations"))
    wish = Wish(
        nodes=nodes,
        listen=f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}",
        service=service,
        authority=authority,
        sources=sources,
        destinations=destinations,
        tls=said.switch("tls", "listen with TLS, with certificates for a test"),
        workers=wanted["workers"] or 1,
        journal=wanted["journal"] or "journal",
    )
    return replace(wish, cluster_ca=_cluster_ca(wanted["cluster_ca"], nodes))


class _Said:
    """What options say, else what is answered on the terminal, else the default."""

    def __init__(self, wanted: dict[str, Any], *, ask: bool) -> None:
        self._wanted = wanted
        self._ask = ask

    def value(self, name: str, question: str, default: str, read: Callable[[str], T]) -> T:
        """A text, read. A wrong answer is told, and asked for again; a wrong option raises ConfigError."""
        if self._wanted[name] is not None or not self._ask:
            return read(self._wanted[name] or default)

        def answered(text: str) -> T:
            try:
                return read(text)
            except InvalidInput as error:
                raise click.BadParameter("; ".join(fault.message for fault in error.faults)) from None

        found: T = click.prompt(question, default=default, value_proc=answered)
        return found

    def choice(self, name: str, question: str, allowed: tuple[str, ...], default: str) -> str:
        """One of some words."""
        if self._wanted[name] is not None or not self._ask:
            return self._wanted[name] or default
        return str(click.prompt(question, default=default, type=click.Choice(allowed)))

    def switch(self, name: str, question: str) -> bool:
        """Yes or no; no is the default."""
        if self._wanted[name] is not None or not self._ask:
            return bool(self._wanted[name])
        return click.confirm(question, default=False)


def _nodes(written: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(base_address(one.strip(), "--nodes") for one in written.split(",")))


def _listen(written: str) -> Listen:
    place = Place("--listen")
    return read_listen(Node(value=written, place=place, key_place=place, folder=Path()))


def _patterns(option: str) -> Callable[[str], tuple[str, ...]]:
    def read(written: str) -> tuple[str, ...]:
        names = tuple(one.strip() for one in written.split(","))
        # As Elasticsearch has it for names of indices (MetadataCreateIndexService.validateIndexOrAliasName).
        wrong = [name for name in names if not name or name != name.lower() or any(c in '\\/?"<>| #:' for c in name)]
        if wrong:
            raise ConfigError([Fault(option, f"{wrong[0]!r} is no name or pattern of indices, such as flights-*")])
        return names

    return read


def _cluster_ca(written: str | None, nodes: tuple[str, ...]) -> str | None:
    if written is None:
        return None
    if not any(node.startswith("https:") for node in nodes):
        raise ConfigError([Fault("--cluster-ca", "means nothing here: no node of --nodes begins with https://")])
    return str(Path(written).absolute())


def _free(written: str) -> None:
    """Raises CannotServe where somebody listens there. What is another machine's address is told, and no fault."""
    address = _listen(written)
    if not address.port:
        return
    try:
        listeners.prove_free([address])
    except CannotServe as failure:
        if "in use" in str(failure):
            raise
        click.echo(f"warning: {failure}", err=True)


def _written(folder: Path, made: list["Made"]) -> list[str]:
    from proxy.starter.place import place  # noqa: PLC0415 -- see above

    looked_at: list[Path] = []

    def check(temporary: Path) -> None:
        looked_at.append(temporary)
        config = load(temporary / "startgate.yml", {})
        load_rules(Path(config.rules))

    try:
        return place(folder, made, check)
    except OSError as failure:
        why = failure.strerror or str(failure)
        raise ConfigError([Fault(str(folder), f"cannot be written: {why}; nothing was changed")]) from None
    except InvalidInput as error:
        # The folder that was looked at is gone again.
        before, after = str(looked_at[0]), str(folder.absolute())
        named = [replace(one, where=one.where.replace(before, after), message=one.message.replace(before, after))
                 for one in error.faults]  # fmt: skip
        raise ConfigError(named) from None


def _print(made: list["Made"]) -> None:
    for one in made:
        click.echo(f"--- {one.path} (mode {one.mode:04o})")
        # A secret that is not written is not shown: the next run makes another.
        secret = one.mode == 0o600
        click.echo("(a secret; made anew when it is written)" if secret else one.content.decode().rstrip("\n"))


def _tell(wish: "Wish", folder: Path, written: list[str]) -> None:
    from proxy.starter import users  # noqa: PLC0415 -- see above
    from proxy.starter.files import steps  # noqa: PLC0415 -- see above

    click.echo(f"written to {folder.absolute()}: {', '.join(written)}")
    click.echo("\nnext:")
    for step in steps(wish, folder, password_made=users.PASSWORD_FILE in written):
        click.echo(f"  {step}")
