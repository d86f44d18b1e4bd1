"""What can be told beforehand: whether the nodes answer and what they are, and whether the port is free."""

import asyncio
from collections.abc import Iterator

from proxy.doctor.ask import Asker, Told, at
from proxy.settings import ClusterTls, GateSettings
from proxy.starter.model import BY_CLUSTER, BY_ROLES, Wish


async def warnings(wish: Wish) -> list[str]:
    """What an operator should know of the nodes; nothing where all is well. Raises ConfigError: the file with the
    nodes' authorities cannot be used."""
    tls = ClusterTls(ca=wish.cluster_ca)
    asker = Asker(GateSettings(socket="", nodes=wish.nodes, rules="", journal="", cluster_tls=tls))
    try:
        told = await asyncio.gather(*(asker.root(node) for node in wish.nodes))
    finally:
        await asker.close()
    found = [text for node, one in zip(wish.nodes, told, strict=True) for text in _of_node(node, one)]
    return [*found, *_of_security(wish, told)]


def _of_node(node: str, told: Told) -> Iterator[str]:
    if not told.status:
        yield f"{node} does not answer now: {told.why}"
    elif told.status == 200 and not isinstance(at(told.content, "version", "number"), str):
        yield f"what answers at {node} is not Elasticsearch"


def _of_security(wish: Wish, told: list[Told]) -> Iterator[str]:
    """Who answers nobody's question has no security, or lets in who is unknown; who wants a password has."""
    if wish.authority == BY_CLUSTER and any(one.status == 200 for one in told):
        yield (
            "the cluster answers without a password: without security it cannot say who asks, and every start is "
            "refused; --authority roles has Startgate find out itself"
        )
    if wish.authority == BY_ROLES and any(one.status == 401 for one in told):
        yield "the cluster has security, and with --authority roles it is not asked who somebody is"
