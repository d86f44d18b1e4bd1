"""Makes the sinks that the settings name."""

from collections.abc import Callable, Sequence
from functools import partial

from proxy.cluster.transport import Transport
from proxy.errors import ConfigError
from proxy.model import Credential
from proxy.settings import GateSettings
from proxy.settings import StreamSink as StreamSettings
from proxy.ship.model import Record, Sink, SinkFailure, Taken
from proxy.ship.stdout import StdoutSink
from proxy.ship.stream import StreamSink
from proxy.ship.syslog import SyslogSink
from proxy.ship.webhook import WebhookSink


class Later:
    """A sink that is made with its first batch: a file of it that is away at the moment, such as a certificate that is
    being renewed, is a failure as any other, and nobody's start waits for it."""

    def __init__(self, name: str, make: Callable[[], Sink]) -> None:
        self.name = name
        self._make = make
        self._sink: Sink | None = None

    async def send(self, records: Sequence[Record]) -> Taken:
        """As the sink itself. Raises SinkFailure also where it cannot be made."""
        if self._sink is None:
            try:
                self._sink = self._make()
            except (ConfigError, ValueError) as failure:
                raise SinkFailure(str(failure)) from failure
        return await self._sink.send(records)

    async def close(self) -> None:
        """As the sink itself."""
        if self._sink is not None:
            await self._sink.close()


def made(settings: GateSettings) -> list[Sink]:
    """A sink for each that is written; nothing of it is opened yet."""
    wanted = settings.sinks
    sinks: list[Sink] = []
    if wanted.elasticsearch is not None:
        sinks.append(Later(StreamSink.name, partial(_stream, settings, wanted.elasticsearch)))
    if wanted.syslog is not None:
        sinks.append(Later(SyslogSink.name, partial(SyslogSink, wanted.syslog)))
    if wanted.webhook is not None:
        sinks.append(Later(WebhookSink.name, partial(WebhookSink, wanted.webhook)))
    if wanted.stdout is not None:
        sinks.append(StdoutSink(wanted.stdout))
    return sinks


def _stream(settings: GateSettings, stream: StreamSettings) -> Sink:
    return StreamSink(transport(settings), credential(settings, stream), stream.data_stream)


def transport(settings: GateSettings) -> Transport:
    """A way to the cluster of the sink's own: no start waits for its connections. Raises ConfigError."""
    return Transport(settings.nodes, settings.cluster_tls, settings.sinks.limits.send_s, settings.limits)


def credential(settings: GateSettings, stream: StreamSettings) -> Credential:
    """The sink's own credential, else the service credential; none for a cluster without security."""
    own = stream.authorization or settings.service
    return Credential(whose="service", headers=(("authorization", own),) if own else ())
