"""`tracing.*`: off without a word; where traces go, with which headers, and how many; and what is missing is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from proxy.config import load
from proxy.config import tracing as section
from proxy.config.load import Config
from proxy.errors import ConfigError
from proxy.tracing.settings import TraceLimits, TracingSettings
from tests.tracing.test_load import WITHOUT

SECRET = "s3cret-token"


def read(folder: Path, text: str, **environ: str) -> Config:
    """The configuration of a text."""
    path = folder / "startgate.yml"
    path.write_text(text)
    return load(path, environ)


def refused(folder: Path, text: str, **environ: str) -> list[str]:
    """The faults of a text."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return [fault.message for fault in caught.value.faults]


def test_without_a_word_nothing_is_traced(tmp_path: Path) -> None:
    config = read(tmp_path, "workers: 1")
    assert config.tracing is None
    assert config.gate_settings("s").tracing is None


@pytest.mark.parametrize(
    ("written", "endpoint"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://otel.example.org/", "https://otel.example.org/v1/traces"),
        ("https://otel.example.org/v1/traces", "https://otel.example.org/v1/traces"),
        ("https://example.org/otlp/in?x=1", "https://example.org/otlp/in?x=1"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ],
)
def test_a_collector_alone_is_enough(tmp_path: Path, written: str, endpoint: str) -> None:
    config = read(tmp_path, f"tracing: {{otlp: '{written}'}}")
    assert config.tracing == TracingSettings(endpoint=endpoint)
    assert config.gate_settings("s").tracing == config.tracing


def test_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "headers").write_text(f"# of the collector\n\nAuthorization: Bearer {SECRET}\nx-tenant:a b \n")
    text = "tracing: {otlp: 'http://a:1', headers_file: headers, sample: 0.25}\nlimits: {trace: {queue_spans: 900}}"
    tracing = read(tmp_path, text).tracing
    assert tracing == TracingSettings(
        endpoint="http://a:1/v1/traces",
        headers=(("authorization", f"Bearer {SECRET}"), ("x-tenant", "a b")),
        sample=0.25,
        limits=TraceLimits(queue_spans=900),
    )
    assert SECRET not in repr(tracing)


def test_variables_do_as_well(tmp_path: Path) -> None:
    tracing = read(tmp_path, "", STARTGATE_TRACING__OTLP="http://a:1", STARTGATE_TRACING__SAMPLE=" 0.5 ").tracing
    assert tracing is not None
    assert tracing.sample == 0.5


@pytest.mark.parametrize(
    "written", ["localhost:4318", "ftp://a", "http://", "http://a:0", "http://a:b", "http://a/#x", "'http://a b'", "1"]
)
def test_what_is_no_collector_is_refused(tmp_path: Path, written: str) -> None:
    [message] = refused(tmp_path, f"tracing: {{otlp: {written}}}")
    assert message.startswith("tracing.otlp: must be ")


def test_credentials_in_the_url_are_refused_and_not_repeated(tmp_path: Path) -> None:
    [message] = refused(tmp_path, f"tracing: {{otlp: 'http://u:{SECRET}@a'}}")
    assert "tracing.headers_file" in message
    assert SECRET not in message


@pytest.mark.parametrize("sample", ["1.1", "-0.1", "true", "half", "'0.5'", ".nan", "[1]"])
def test_what_is_no_share_is_refused(tmp_path: Path, sample: str) -> None:
    [message] = refused(tmp_path, f"tracing: {{otlp: 'http://a', sample: {sample}}}")
    assert message.startswith("tracing.sample: must be a number from 0 to 1")


def test_a_variable_that_is_no_share_is_refused(tmp_path: Path) -> None:
    [message] = refused(tmp_path, "tracing: {otlp: 'http://a'}", STARTGATE_TRACING__SAMPLE="half")
    assert "from 0 to 1" in message


@pytest.mark.parametrize("key", ["sample: 1", "headers_file: h", "ca: c"])
def test_what_means_nothing_alone_is_refused(tmp_path: Path, key: str) -> None:
    (tmp_path / "h").write_text("a: b")
    [message] = refused(tmp_path, f"tracing: {{{key}}}")
    assert message.endswith("needs tracing.otlp")


def test_authorities_without_encryption_are_refused(tmp_path: Path) -> None:
    messages = refused(tmp_path, "tracing: {otlp: 'http://a', ca: ca.pem}")
    assert any("means nothing with a tracing.otlp that begins with http://" in message for message in messages)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "holds no header"),
        ("# nothing\n", "holds no header"),
        (SECRET, ":1 is no header"),
        (f"a: 1\n\n{SECRET} x: 2", ":3 is no header"),
        (f": {SECRET}", ":1 is no header"),
        (f"a: {SECRET}\x01", ":1 is no header"),
        (f"a: {SECRET}é", ":1 is no header"),
        (f"Content-Type: {SECRET}", ":1: Content-Type is set by the sender itself"),
        (f"A: 1\na: {SECRET}", ":2: a is there twice"),
    ],
)
def test_a_file_that_holds_no_headers_is_refused_and_not_shown(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "headers").write_text(text)
    [message] = refused(tmp_path, "tracing: {otlp: 'http://a', headers_file: headers}")
    assert wrong in message
    assert SECRET not in message


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    [message] = refused(tmp_path, "tracing: {otlp: 'http://a', headers_file: gone}")
    assert "gone" in message


@pytest.mark.parametrize(("key", "value"), [("queue_spans", 100), ("batch_spans", 5000)])
def test_a_batch_must_fit_the_queue(tmp_path: Path, key: str, value: int) -> None:
    [message] = refused(tmp_path, f"tracing: {{otlp: 'http://a'}}\nlimits: {{trace: {{{key}: {value}}}}}")
    assert message.startswith(f"limits.trace.{key}: a batch (")


def test_without_the_extra_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(section, "missing", lambda: "opentelemetry.sdk.trace")
    [message] = refused(tmp_path, "tracing: {otlp: 'http://a'}")
    assert message == (
        "tracing.otlp: needs OpenTelemetry, and opentelemetry.sdk.trace is not there: pip install 'startgate[traces]'"
    )


def test_startgate_check_says_so_where_it_is_not_installed(tmp_path: Path) -> None:
    path = tmp_path / "startgate.yml"
    path.write_text("tracing: {otlp: 'http://127.0.0.1:4318'}\n")
    script = f"{WITHOUT}\nfrom proxy.cli import main\nmain(['check', '--config', {str(path)!r}])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"{path}:1:" in done.stdout + done.stderr
    assert "pip install 'startgate[traces]'" in done.stdout + done.stderr
