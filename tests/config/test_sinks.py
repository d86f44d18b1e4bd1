"""`journal.sinks`: what is taken, and what is refused with its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.config import load
from proxy.config.load import Config
from proxy.errors import ConfigError
from proxy.settings import ClusterTls, ShipLimits, Sinks, StreamSink, SyslogSink, WebhookSink
from tests.config.pem import Pem

SECRET = "a secret of the tests, long enough"
Read = Callable[[str], Config]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "short").write_text("x" * 23)
    (tmp_path / "just").write_text("x" * 24)
    (tmp_path / "no64").write_text("whsec_" + "%" * 30)
    (tmp_path / "key").write_text("id:key\n")

    def read(text: str) -> Config:
        path = tmp_path / "startgate.yml"
        path.write_text(f"journal: {{sinks: {{{text}}}}}\n" if text else "")
        return load(path, {})

    return read


def faults(read: Read, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [fault.message for fault in caught.value.faults]


def test_nothing_is_shipped_by_default(read: Read) -> None:
    assert read("").sinks == Sinks()
    assert read("").gate_settings("/s").sinks == Sinks()


def test_all_of_it(read: Read, pem: Pem) -> None:
    config = read(
        "elasticsearch: {data_stream: startgate-audit, api_key_file: key, keep_days: 30}, "
        f"syslog: {{address: 'siem:6514', ca: {pem.ca}, certificate: {pem.certificate}, key: {pem.key}}}, "
        f"webhook: {{url: 'https://siem/hook?a=b', secret_file: secret, ca: {pem.ca}}}, stdout: {{enabled: true}}"
    )
    assert config.sinks == Sinks(
        elasticsearch=StreamSink(data_stream="startgate-audit", authorization="ApiKey aWQ6a2V5", keep_days=30),
        syslog=SyslogSink(
            host="siem",
            port=6514,
            tls=ClusterTls(ca=str(pem.ca), certificate=str(pem.certificate), key=str(pem.key)),
        ),
        webhook=WebhookSink(url="https://siem/hook?a=b", secret=SECRET, tls=ClusterTls(ca=str(pem.ca))),
        stdout=1,
    )
    assert config.gate_settings("/s").sinks == config.sinks
    assert SECRET not in repr(config)
    assert "aWQ6a2V5" not in repr(config)


def test_the_least_of_each(read: Read) -> None:
    config = read(
        "elasticsearch: {data_stream: a}, syslog: {address: '[::1]:514', transport: tcp}, "
        "webhook: {url: 'http://127.0.0.1:1/', secret_file: just}, stdout: {enabled: false}"
    )
    assert config.sinks == Sinks(
        elasticsearch=StreamSink(data_stream="a"),
        syslog=SyslogSink(host="::1", port=514),
        webhook=WebhookSink(url="http://127.0.0.1:1/", secret="x" * 24),
    )


def test_limits(tmp_path: Path) -> None:
    path = tmp_path / "startgate.yml"
    path.write_text("limits: {ship: {batch_records: 7, poll_s: 0.5}}\n")
    assert load(path, {}).sinks.limits == ShipLimits(batch_records=7, poll_s=0.5)


def test_variables(tmp_path: Path) -> None:
    sinks = load(
        None,
        {
            "STARTGATE_JOURNAL__SINKS__ELASTICSEARCH__DATA_STREAM": "a",
            "STARTGATE_JOURNAL__SINKS__ELASTICSEARCH__KEEP_DAYS": "0",
            "STARTGATE_JOURNAL__SINKS__STDOUT__ENABLED": "true",
        },
    ).sinks
    assert sinks.elasticsearch == StreamSink(data_stream="a", keep_days=0)
    assert sinks.stdout == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("elasticsearch: {keep_days: 3}", "needs journal.sinks.elasticsearch.data_stream"),
        ("elasticsearch: {data_stream: Upper}", "must be the name of a data stream"),
        ("elasticsearch: {data_stream: '.hidden'}", "must be the name of a data stream"),
        ("elasticsearch: {data_stream: 'a*'}", "must be the name of a data stream"),
        (f"elasticsearch: {{data_stream: {'a' * 101}}}", "100 at most"),
        ("elasticsearch: {data_stream: a, keep_days: -1}", "must be from 0 to 36500, and is -1"),
        ("elasticsearch: {data_stream: a, keep_days: 36501}", "must be from 0 to 36500, and is 36501"),
        ("elasticsearch: {data_stream: a, api_key_file: none}", "cannot be read"),
        ("elasticsearch: {index: a}", "unknown key 'journal.sinks.elasticsearch.index'"),
        ("elastic: {data_stream: a}", "did you mean 'elasticsearch'?"),
        ("syslog: {transport: tls}", "needs journal.sinks.syslog.address"),
        ("syslog: {address: 'h:0'}", "no receiver listens on port 0"),
        ("syslog: {address: h}", "must be host:port"),
        ("syslog: {address: 'h:1', transport: udp}", "udp"),
        ("syslog: {address: 'h:1', transport: tcp, ca: secret}", "means nothing with transport: tcp"),
        ("syslog: {address: 'h:1', ca: secret}", "no CA certificate"),
        ("syslog: {address: 'h:1', certificate: secret}", "needs journal.sinks.syslog.key"),
        ("syslog: {address: 'h:1', certificate: secret, key: secret}", "holds no certificate in PEM form"),
        ("webhook: {secret_file: secret}", "needs journal.sinks.webhook.url"),
        ("webhook: {url: 'https://h/'}", "needs journal.sinks.webhook.secret_file"),
        ("webhook: {url: 'ftp://h/', secret_file: secret}", "must be a URL"),
        ("webhook: {url: 'https://', secret_file: secret}", "must be a URL"),
        ("webhook: {url: 'https://h:x/', secret_file: secret}", "must be a URL"),
        ("webhook: {url: 'https://h/a b', secret_file: secret}", "must be a URL"),
        ("webhook: {url: 'https://h/#a', secret_file: secret}", "must be a URL"),
        ("webhook: {url: 'https://h/', secret_file: short}", "a secret of 23 characters: it must have 24 at least"),
        ("webhook: {url: 'https://h/', secret_file: no64}", "begins with whsec_, and no base64 follows"),
        ("webhook: {url: 'http://h/', secret_file: secret, ca: secret}", "means nothing with a url that begins with"),
        ("stdout: {enabled: maybe}", "must be true or false"),
    ],
)
def test_what_is_wrong_is_told(read: Read, text: str, told: str) -> None:
    assert any(told in one for one in faults(read, text)), faults(read, text)


def test_credentials_in_a_url_are_refused_and_not_repeated(read: Read) -> None:
    (told,) = faults(read, "webhook: {url: 'https://me:hush@h/', secret_file: secret}")
    assert "credentials don't belong into it" in told
    assert "hush" not in told
