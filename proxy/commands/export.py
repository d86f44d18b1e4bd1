"""`startgate export`: a configuration for another proxy that carries the ordinary traffic."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from proxy.commands.common import Commands, Seconds, base_address, config_option, printed, read_config, reported
from proxy.config.tree import Node, Place
from proxy.config.values import address
from proxy.fronts import envoy, haproxy, ingress, nginx
from proxy.fronts.model import ANSWER_S, Address, Front
from proxy.fronts.plan import DEFAULT_LISTEN, Site, Wishes, planned

T = TypeVar("T")

_CONFIGS: dict[str, Callable[[Front], str]] = {
    nginx.PROGRAM: nginx.text,
    haproxy.PROGRAM: haproxy.text,
    envoy.PROGRAM: envoy.text,
}


@click.group(name="export", cls=Commands, short_help="Configurations for nginx, HAProxy, Envoy, Kubernetes.")
def export_group() -> None:
    """A configuration in which another proxy carries the ordinary traffic and leaves to Startgate what may be a start.

    Nodes, addresses and TLS are those of the configuration; options say what it does not know.
    """


def _file(name: str, text: str) -> Callable[..., Any]:
    return click.option(name, metavar="FILE", help=text)


_FRONT = (
    click.option(
        "--listen", metavar="ADDRESS", default=str(DEFAULT_LISTEN), show_default=True, help="The front's own."
    ),
    _file("--certificate", "The front's certificate (PEM), as the front's host has it."),
    _file("--key", "Its key."),
    click.option("--http2", is_flag=True, help="Clients may speak HTTP/2."),
)
_BEHIND = (
    click.option(
        "--node", "nodes", metavar="URL", multiple=True, help="A node, in place of cluster.nodes; repeatable."
    ),
    click.option(
        "--startgate",
        metavar="ADDRESS",
        multiple=True,
        help="Startgate as the front reaches it, else the configuration's `listen`; repeatable.",
    ),
    _file("--startgate-ca", "The authorities for Startgate's certificate, else the system's."),
    click.option("--startgate-name", metavar="NAME", help="The name that its certificate is for, else its host's."),
    _file("--startgate-certificate", "What the front shows to Startgate."),
    _file("--startgate-key", "Its key."),
    click.option(
        "--answer-timeout",
        "answer_s",
        type=Seconds(),
        metavar="SECONDS",
        default=ANSWER_S,
        show_default=True,
        help="How long an answer may take.",
    ),
)


def _asking(*options: Callable[..., Any]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Gives a command these options, as two arguments `site` and `wishes`."""

    def wrap(command: Callable[..., T]) -> Callable[..., T]:
        @wraps(command)
        def with_wishes(config_file: Path | None, **given: Any) -> T:  # noqa: ANN401 -- what the command itself takes
            names = {option for option in _WISHED if option in given}
            wished = {name: given.pop(name) for name in names}
            nodes = given.pop("nodes", ())
            with reported(), printed():
                return command(site=_site(config_file, nodes), wishes=_wishes(wished), **given)

        for option in reversed((config_option, *options)):
            with_wishes = option(with_wishes)
        return with_wishes

    return wrap


_WISHED = frozenset(Wishes.__dataclass_fields__)


def _site(config_file: Path | None, nodes: tuple[str, ...]) -> Site:
    config = read_config(config_file)
    site = Site(
        listen=config.listen,
        nodes=config.nodes,
        cluster_tls=config.cluster_tls,
        sniffing=config.sniffing,
        identity=config.identity,
        limits=config.edge_limits,
    )
    return replace(site, nodes=tuple(base_address(node, "--node") for node in nodes)) if nodes else site


def _wishes(wished: dict[str, Any]) -> Wishes:
    if "listen" in wished:
        wished["listen"] = _address(wished["listen"], "--listen")
    if "startgate" in wished:
        wished["startgate"] = tuple(_address(one, "--startgate") for one in wished["startgate"])
    return Wishes(**wished)


def _address(written: str, option: str) -> Address:
    place = Place(option)
    host, port = address(Node(value=written, place=place, key_place=place, folder=Path()))
    return Address(host=host, port=port)


def _front_command(program: str, help_text: str) -> None:
    @export_group.command(name=program, short_help=help_text, help=f"{help_text} docs/fronts.md says what it holds.")
    @_asking(*_FRONT, *_BEHIND)
    def command(site: Site, wishes: Wishes) -> None:
        click.echo(_CONFIGS[program](planned(site, wishes)), nl=False)


_front_command(nginx.PROGRAM, "A file for nginx's conf.d.")
_front_command(haproxy.PROGRAM, "A configuration for HAProxy.")
_front_command(envoy.PROGRAM, "A configuration for Envoy.")


@export_group.command(name=ingress.PROGRAM, short_help="A manifest for Kubernetes.")
@_asking()
@click.option(
    "--controller",
    type=click.Choice(ingress.CONTROLLERS),
    default=ingress.CONTROLLERS[0],
    show_default=True,
    help="A Gateway API HTTPRoute, or an Ingress for ingress-nginx.",
)
@click.option("--name", default="startgate", show_default=True, help="Of the object.")
@click.option("--namespace", default="default", show_default=True, help="Of the object and the services.")
@click.option("--host", metavar="NAME", help="The host that clients ask for; else any.")
@click.option("--gateway", metavar="NAME", default="elasticsearch", show_default=True, help="The Gateway to attach to.")
@click.option("--class", "ingress_class", metavar="NAME", default="nginx", show_default=True, help="Of an Ingress.")
@click.option("--tls-secret", metavar="NAME", help="The secret with an Ingress's certificate.")
@click.option("--nodes-service", "nodes_service", metavar="NAME:PORT", default="elasticsearch:9200", show_default=True)
@click.option("--startgate-service", metavar="NAME:PORT", default="startgate:9400", show_default=True)
def export_ingress(site: Site, wishes: Wishes, nodes_service: str, startgate_service: str, **named: Any) -> None:  # noqa: ANN401 -- what the options give
    """A manifest by which an ingress of Kubernetes carries the ordinary traffic. docs/fronts.md says what it holds."""
    nodes = ingress.service(nodes_service, "--nodes-service")
    startgate = ingress.service(startgate_service, "--startgate-service")
    # Within a cluster services are known by their names, whatever Startgate's own address is.
    front = planned(site, replace(wishes, startgate=(startgate,)))
    click.echo(ingress.text(front, ingress.Manifest(nodes=nodes, startgate=startgate, **named)), nl=False)
