"""`startgate embedded`: the demo's cluster alone."""

import asyncio
import signal

import click

from proxy import listeners, logs
from proxy.commands.common import Port, base_address, reported
from proxy.settings import Listen


@click.command(short_help="Run the small cluster of the demo.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=Port(), metavar="PORT", default=9200, show_default=True, help="Port to listen on; 0 for any."
)
@click.option("--in-front-of", "node", metavar="URL", help="Serve only _security and _ml, and pass the rest to a node.")
def embedded(host: str, port: int, node: str | None) -> None:
    """Run the small in-process cluster of the demo and the tests. Not for production."""
    logs.configure("embedded")
    with reported():
        asyncio.run(_embedded(host, port, base_address(node, "--in-front-of") if node is not None else None))


async def _embedded(host: str, port: int, node: str | None) -> None:
    # Here and not above: what runs in production loads nothing of the embedded cluster.
    from proxy.embedded.app import serve_embedded  # noqa: PLC0415 -- see above
    from proxy.embedded.ml.jobs import Jobs  # noqa: PLC0415 -- see above
    from proxy.embedded.remote import RemoteNode  # noqa: PLC0415 -- see above
    from proxy.embedded.security.store import ELASTIC_PASSWORD  # noqa: PLC0415 -- see above

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if port:
        listeners.prove_free([Listen(host=host, port=port)])
    backend, jobs = RemoteNode(node) if node else None, Jobs(notes=True)
    async with serve_embedded(host, port, backend=backend, jobs=jobs) as cluster:
        behind = f" in front of {node}" if node else ""
        click.echo(f"embedded cluster ready: {cluster.url}{behind}; user elastic, password {ELASTIC_PASSWORD}")
        await stop.wait()
