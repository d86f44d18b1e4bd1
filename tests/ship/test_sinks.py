"""The sinks that the settings name are made, and no other."""

from pathlib import Path

import pytest

from proxy.errors import ConfigError
from proxy.settings import ClusterTls, GateSettings, Sinks, StreamSink, SyslogSink, WebhookSink
from proxy.ship.sinks import credential, made

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


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    tls = ClusterTls(ca=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match="cannot be read"):
        made(settings_of(Sinks(syslog=SyslogSink(host="h", port=1, tls=tls))))


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
