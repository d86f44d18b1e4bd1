"""The exchanges of requests that are not passed on like all others: those that the gate judges, or is told of."""

from proxy import clientcert
from proxy.edge.context import Context
from proxy.edge.exchange import Exchange
from proxy.edge.observed import Observation, ObservedExchange
from proxy.edge.receipt import front_line, gate_headers, new_receipt, peer_name, subject_line
from proxy.edge.sides import ClientSide
from proxy.route.router import Decision
from proxy.route.table import Route
from proxy.wire.own import wish_lines
from proxy.wire.request import RequestHead


def special(
    client: ClientSide, head: RequestHead, decision: Decision, context: Context, peer: str, raw: bytes
) -> tuple[Exchange, bytes]:
    """The exchange, and the lines to add to its request. `decision` is GATE or OBSERVE; `peer` is who asks (`ip:port`),
    `raw` the request's head as it came."""
    certificate = client.transport.get_extra_info("peercert")
    connected = peer_name(client.transport.get_extra_info("peername"))
    if decision.route is Route.OBSERVE:
        front = connected if connected != peer else ""
        seen = Observation(decision.action, peer, clientcert.told(certificate), context.notes, front)
        return ObservedExchange(client, head, context.cluster, context.answer_limits, seen), b""
    receipt = new_receipt()
    extra = gate_headers(peer, receipt) + front_line(peer, connected) + subject_line(certificate) + wish_lines(raw)
    return Exchange(client, head, context.gate, context.answer_limits, receipt), extra
