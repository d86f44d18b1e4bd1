"""From file and environment to a configuration: defaults, every key, every fault at once."""

import base64
import dataclasses
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from proxy.config import Config, load, shipped_rules
from proxy.config.keys import KEYS, siblings, variable
from proxy.errors import ConfigError
from proxy.settings import EdgeLimits, GateLimits, Listen
from tests.config.pem import Pem

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes `startgate.yml` into the test's folder."""

    def write(text: str) -> Path:
        path = tmp_path / "startgate.yml"
        path.write_text(textwrap.dedent(text))
        return path

    return write


def faults(path: Path | None, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong, with the file's folder cut from the texts, and its name from their beginning."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    folder = f"{path.parent}/" if path else ""
    return [str(fault).replace(folder, "").removeprefix("startgate.yml:") for fault in caught.value.faults]


def test_without_a_file_it_fronts_the_local_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load(None, {})
    assert config.listen == (Listen(host="127.0.0.1", port=9400),)
    assert config.nodes == ("http://127.0.0.1:9200",)
    assert config.workers == 1
    assert config.service is None
    assert config.rules == str(shipped_rules())
    assert config.journal == str(tmp_path / "journal")
    assert config.gate_socket is None
    assert config.cluster_tls.verify == "full"


def test_an_empty_file_says_nothing(write: Write) -> None:
    assert load(write(""), {}).nodes == ("http://127.0.0.1:9200",)
    assert load(write("# nothing but this\ncluster:\nlimits: {}\n"), {}).workers == 1


def test_every_key(write: Write, tmp_path: Path, pem: Pem) -> None:
    (tmp_path / "key").write_text("id:word\n")
    (tmp_path / "mine.yml").write_text("version: 1\n")
    config = load(
        write(
            f"""
            listen:
              - 127.0.0.1:9400
              - address: "[::1]:9443"
                tls: {{certificate: {pem.certificate}, key: {pem.key}}}
            workers: 3
            cluster:
              nodes: ["https://a:9200", "https://b:9201/"]
              service: {{api_key_file: key}}
              tls: {{ca: {pem.ca}, verify: certificate}}
            rules: mine.yml
            journal: {{path: audit, on_full: refuse}}
            gate: {{socket: gate.sock}}
            limits:
              edge: {{client_idle_s: 7, headers: 50}}
              gate: {{follow_up_poll_s: 0.5}}
            """
        ),
        {},
    )
    assert [one.port for one in config.listen] == [9400, 9443]
    assert config.listen[1].host == "::1"
    assert config.listen[1].tls is not None
    assert config.listen[1].tls.certificate == str(pem.certificate)
    assert config.workers == 3
    assert config.nodes == ("https://a:9200", "https://b:9201")
    assert config.service == "ApiKey " + base64.b64encode(b"id:word").decode()
    assert config.cluster_tls.ca == str(pem.ca)
    assert config.cluster_tls.verify == "certificate"
    assert config.rules == str(tmp_path / "mine.yml")
    assert config.journal == str(tmp_path / "audit")
    assert config.gate_socket == str(tmp_path / "gate.sock")
    assert config.edge_limits == EdgeLimits(client_idle_s=7.0, headers=50)
    assert config.gate_limits == GateLimits(follow_up_poll_s=0.5)


def test_the_environment_lies_over_the_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wort")
    path = write("workers: 3\ncluster: {nodes: ['http://a:9200'], service: {username: sg, password_file: no}}")
    environ = {
        "STARTGATE_WORKERS": "5",
        "STARTGATE_CLUSTER__NODES": "http://c:9200, http://d:9200",
        "STARTGATE_CLUSTER__SERVICE__PASSWORD_FILE": str(tmp_path / "password"),
        "STARTGATE_LIMITS__EDGE__CLIENT_IDLE_S": "2.5",
        "PATH": "/bin",
    }
    config = load(path, environ)
    assert config.workers == 5
    assert config.nodes == ("http://c:9200", "http://d:9200")
    assert config.service == "Basic " + base64.b64encode(b"sg:wort").decode()
    assert config.edge_limits.client_idle_s == 2.5


def test_tls_of_a_listener_from_the_environment_alone(pem: Pem) -> None:
    environ = {
        "STARTGATE_LISTEN__ADDRESS": "0.0.0.0:9443",
        "STARTGATE_LISTEN__TLS__CERTIFICATE": str(pem.certificate),
        "STARTGATE_LISTEN__TLS__KEY": str(pem.key),
    }
    (only,) = load(None, environ).listen
    assert only.port == 9443
    assert only.tls is not None
    environ.pop("STARTGATE_LISTEN__ADDRESS")
    assert faults(None, environ) == ["STARTGATE_LISTEN__TLS__CERTIFICATE: listen.address is missing"]


def test_relative_paths_start_at_the_file_or_at_the_working_directory(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert load(write("journal: {path: audit}"), {}).journal == str(tmp_path / "audit")
    assert load(write(""), {}).journal == str(tmp_path / "journal")
    assert load(write(""), {"STARTGATE_JOURNAL__PATH": "audit"}).journal == str(work / "audit")


def test_all_faults_are_reported_at_once_and_in_order(write: Write) -> None:
    path = write(
        """\
        listen: 127.0.0.1
        worker: 2
        cluster:
          nodes: [ftp://a:9200, "http://b"]
          service: {api_key_file: nowhere}
          tls: {verify: ful}
        journal: {path: /nowhere/at/all, on_full: ignore}
        admin: {listen: 127.0.0.1:9600, tlss: {}}
        limits: {edge: {headers: many, drain: 3}}
        """
    )
    found = faults(path, {"STARTGATE_CLUSTER__NODE": "x", "STARTGATE_WORKERS": "few"})
    assert found == [
        "1:9: listen: must be host:port, such as 127.0.0.1:9400 or [::1]:9400, and is '127.0.0.1'",
        "2:1: unknown key 'worker' (did you mean 'workers'?); allowed here: " + ", ".join(siblings("")),
        "4:11: cluster.nodes: must be http(s)://host:port, such as https://10.0.0.1:9200, and is 'ftp://a:9200'",
        "4:25: cluster.nodes: must be http(s)://host:port, such as https://10.0.0.1:9200; "
        "the port is missing in 'http://b'",
        "5:27: cluster.service.api_key_file: nowhere cannot be read: No such file or directory",
        "6:17: cluster.tls.verify: must be one of full, certificate, fingerprint, unsafe_none, and is 'ful' "
        "(did you mean 'full'?)",
        "7:17: journal.path: /nowhere/at does not exist; Startgate makes the last folder of the path alone",
        "7:43: journal.on_full: must be one of refuse, unsafe_continue, and is 'ignore'",
        "8:33: unknown key 'admin.tlss' (did you mean 'tls'?); allowed here: " + ", ".join(siblings("admin")),
        "9:26: limits.edge.headers: must be a whole number, and is 'many'",
        "9:32: unknown key 'limits.edge.drain' (did you mean 'drain_s'?); allowed here: "
        + ", ".join(sorted(limit.name for limit in dataclasses.fields(EdgeLimits))),
        "STARTGATE_CLUSTER__NODE: is no key of the configuration (did you mean 'STARTGATE_CLUSTER__NODES'?)",
        "STARTGATE_WORKERS: must be a whole number, and is 'few'",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a list", f"1:1: the configuration must be a map with {', '.join(siblings(''))}"),
        ("cluster: http://a:9200", "1:10: cluster must be a map with nodes, service, sniffing, tls, and is a text"),
        ("rules:", "1:1: rules is empty: leave it out, or give it a value"),
        ("nodes: ['http://a:9200']", "1:1: unknown key 'nodes' (did you mean 'cluster.nodes'?); "),
        ("zzz: 1", "1:1: unknown key 'zzz'; allowed here: "),
        ("listen: []", "1:9: listen: is an empty list"),
        ("listen: 9400", "1:9: listen: must be host:port, such as 127.0.0.1:9400 or [::1]:9400, and is a number"),
        ("listen: ['a:1', 'a:1']", "1:9: listen: a:1 is named twice"),
        ("cluster: {nodes: ['http://a:1', 'http://a:1/']}", "1:18: cluster.nodes: http://a:1 is named twice"),
        ("listen: {address: 'a:1', tsl: {}}", "1:26: listen: unknown key 'tsl' (did you mean 'tls'?); allowed: "),
        ("cluster: {service: {username: a}}", "1:31: cluster.service.username: needs cluster.service.password_file"),
        ("cluster: {service: {username: 'a:b'}}", "1:31: cluster.service.username: a user name holds no colon"),
        ("rules: nowhere", "1:8: rules: nowhere does not exist"),
        ("workers: 0", "1:10: workers: must be from 1 to 256, and is 0"),
        ("workers: 9400", "1:10: workers: must be from 1 to 256, and is 9400"),
        ("workers: true", "1:10: workers: must be a whole number, and is true or false"),
        ("limits: {gate: {drain_s: 0}}", "1:26: limits.gate.drain_s: must be a number of seconds above 0, and is 0"),
        ("a: [", "1:5: not valid YAML"),
    ],
)  # fmt: skip
def test_one_fault(write: Write, text: str, fault: str) -> None:
    found = faults(write(text))
    assert found[0].startswith(fault), found[0]


def test_a_service_credential_is_of_one_kind(write: Write, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("id:word")
    (tmp_path / "password").write_text("word")
    both = "cluster: {service: {api_key_file: key, username: a, password_file: password}}"
    assert faults(write(both)) == [
        "1:35: cluster.service.api_key_file: stands beside username or password_file: give one or the other"
    ]
    assert faults(write("cluster: {service: {password_file: password}}")) == [
        "1:36: cluster.service.password_file: needs cluster.service.username"
    ]


def test_a_ca_beside_no_verification_is_refused(write: Write, pem: Pem) -> None:
    text = f"cluster: {{nodes: ['https://a:1'], tls: {{ca: {pem.ca}, verify: unsafe_none}}}}"
    assert "means nothing with verify: unsafe_none" in faults(write(text))[0]


def test_tls_for_a_cluster_without_it_is_refused(write: Write) -> None:
    """Somebody who sets it believes the traffic to be encrypted."""
    found = faults(write("cluster: {nodes: ['http://a:1'], tls: {verify: full}}"))
    assert found == ["1:48: cluster.tls.verify: means nothing here: no node of cluster.nodes begins with https://"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert faults(tmp_path / "startgate.yml") == [" cannot be read: No such file or directory"]


def test_secrets_show_in_no_text(write: Write, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("id:geheim")
    config = load(write("cluster: {service: {api_key_file: key}}"), {})
    secret = base64.b64encode(b"id:geheim").decode()
    assert config.service == f"ApiKey {secret}"
    for shown in (repr(config), repr(config.gate_settings("/gate.sock"))):
        assert secret not in shown
        assert "geheim" not in shown


def test_each_process_is_told_what_it_needs(write: Write) -> None:
    config = load(write("cluster: {nodes: ['http://a:1']}\nlimits: {edge: {headers: 9}, gate: {drain_s: 3}}"), {})
    edge, gate = config.edge_settings("/s"), config.gate_settings("/s")
    assert edge.gate_socket == gate.socket == "/s"
    assert edge.nodes == gate.nodes == ("http://a:1",)
    assert edge.limits.headers == 9
    assert gate.limits.drain_s == 3.0
    assert (gate.rules, gate.journal, gate.service) == (config.rules, config.journal, config.service)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_read_from_the_environment(key: str) -> None:
    """A value that no key takes is refused for each: none is passed over in silence."""
    assert {fault.split(":")[0] for fault in faults(None, {variable(key): "\t"})} == {variable(key)}


def test_variables_that_are_not_ours_do_no_harm() -> None:
    """Kubernetes sets these where a Service is called `startgate`."""
    environ = {
        "STARTGATE_SERVICE_HOST": "10.0.0.1",
        "STARTGATE_SERVICE_PORT_HTTP": "9400",
        "STARTGATE_PORT": "tcp://10.0.0.1:9400",
        "STARTGATE_PORT_9400_TCP_ADDR": "10.0.0.1",
        "STARTGATE_CONFIG": "startgate.yml",
    }
    assert isinstance(load(None, environ), Config)
    assert faults(None, {"STARTGATE_PORTS": "1"})


def test_shipped_rules_are_there() -> None:
    assert shipped_rules().is_dir()


def test_rules_are_watched_unless_they_are_not_to_be(write: Write) -> None:
    assert load(write(""), {}).watch_s == 1.0
    assert load(write("rules_watch: {interval_s: 0.25}"), {}).watch_s == 0.25
    assert load(write("rules_watch: {enabled: false}"), {}).watch_s is None
    assert load(write(""), {"STARTGATE_RULES_WATCH__ENABLED": " False "}).watch_s is None
    (fault,) = faults(write("rules_watch: {enabled: false, interval_s: 3}"))
    assert "means nothing with rules_watch.enabled: false" in fault
    for wrong in ("rules_watch: {enabled: 'yes'}", "rules_watch: {enabled: 1}"):
        assert "must be true or false" in faults(write(wrong))[0]


def test_the_control_socket_lies_beside_the_record(write: Write, tmp_path: Path) -> None:
    config = load(write("journal: {path: audit}"), {})
    assert config.control_socket == config.gate_settings("x").control == str(tmp_path / "audit" / "control.sock")
    assert load(write("control: {socket: c.sock}"), {}).control_socket == str(tmp_path / "c.sock")
    long = "x" * 100
    (fault,) = faults(write(f"journal: {{path: {long}}}"))
    assert fault.endswith("is longer than a Unix socket's path may be: name another with control.socket")
    assert load(write(f"journal: {{path: {long}}}\ncontrol: {{socket: c.sock}}"), {}).control_socket
