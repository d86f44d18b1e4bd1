"""Makes the sinks that the settings name."""

from proxy.cluster.transport import Transport
from proxy.model import Credential
from proxy.settings import GateSettings
from proxy.settings import StreamSink as StreamSettings
from proxy.ship.model import Sink
from proxy.ship.stdout import StdoutSink
from proxy.ship.stream import StreamSink
from proxy.ship.syslog import SyslogSink
from proxy.ship.webhook import WebhookSink


def made(settings: GateSettings) -> list[Sink]:
    """A sink for each that is written, not connected yet.

    Raises:
        ConfigError: a TLS file cannot be used.
    """
    wanted = settings.sinks
    sinks: list[Sink] = []
    if wanted.elasticsearch is not None:
        stream = wanted.elasticsearch
        sinks.append(StreamSink(transport(settings), credential(settings, stream), stream.data_stream))
    if wanted.syslog is not None:
        sinks.append(SyslogSink(wanted.syslog))
    if wanted.webhook is not None:
        sinks.append(WebhookSink(wanted.webhook))
    if wanted.stdout is not None:
        sinks.append(StdoutSink(wanted.stdout))
    return sinks


def transport(settings: GateSettings) -> Transport:
    """A way to the cluster of the sink's own: no start waits for its connections. Raises ConfigError."""
    return Transport(settings.nodes, settings.cluster_tls, settings.sinks.limits.send_s, settings.limits)


def credential(settings: GateSettings, stream: StreamSettings) -> Credential:
    """The sink's own credential, else the service credential; none for a cluster without security."""
    own = stream.authorization or settings.service
    return Credential(whose="service", headers=(("authorization", own),) if own else ())
