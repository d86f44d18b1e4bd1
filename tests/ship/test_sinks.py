"""The sinks that the settings name are made, and no other."""

import socket
from pathlib import Path

import pytest

from proxy.settings import ClusterTls, GateSettings, Sinks, StreamSink, SyslogSink, WebhookSink
from proxy.ship.model import SinkFailure
from proxy.ship.sinks import credential, made
from tests.ship.certificates import Authority
from tests.ship.samples import records

ALL = Sinks(
    elasticsearch=StreamSink(data_stream="s"),
    syslog=SyslogSink(host="h", port=1),
    webhook=WebhookSink(url="http://h/", secret="s"),
    stdout=1,
)


def settings_of(sinks: Sinks, service: str | None = None) -> GateSettings:
    return GateSettings(socket="", nodes=("http://h:1",), rules="", journal="", service=service, sinks=sinks)


async def test_each_that_is_written_is_made() -> None:
    sinks = made(settings_of(ALL))
    assert [sink.name for sink in sinks] == ["elasticsearch", "syslog", "webhook", "stdout"]
    for sink in sinks:
        await sink.close()


def test_none_is_none() -> None:
    assert made(settings_of(Sinks())) == []


async def test_a_file_that_is_gone_is_a_failure_until_it_is_back(tmp_path: Path) -> None:
    tls = ClusterTls(ca=str(tmp_path / "ca.pem"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (sink,) = made(settings_of(Sinks(syslog=SyslogSink(host="127.0.0.1", port=taken.getsockname()[1], tls=tls))))
        with pytest.raises(SinkFailure, match=r"ca\.pem: cannot be read"):
            await sink.send(records(tmp_path / "journal", 1))
        Authority(tmp_path)
        with pytest.raises(SinkFailure, match=r"127\.0\.0\.1:\d+: "):
            await sink.send(records(tmp_path / "another", 1))
    await sink.close()


@pytest.mark.parametrize(
    ("own", "service", "used"),
    [("ApiKey a", "ApiKey b", "ApiKey a"), (None, "ApiKey b", "ApiKey b"), (None, None, None)],
)
def test_its_own_credential_comes_before_the_service_credential(
    own: str | None, service: str | None, used: str | None
) -> None:
    stream = StreamSink(data_stream="s", authorization=own)
    found = credential(settings_of(Sinks(elasticsearch=stream), service), stream)
    assert dict(found.headers).get("authorization") == used
