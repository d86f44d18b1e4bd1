"""`startgate export`."""

from pathlib import Path

import pytest
import yaml

from proxy.errors import ExitStatus
from proxy.fronts import envoy, haproxy, nginx
from proxy.fronts.plan import Site, Wishes, planned
from proxy.settings import Listen
from tests.commands.running import invoke
from tests.fronts.samples import at

TEXTS = {"nginx": nginx.text, "haproxy": haproxy.text, "envoy": envoy.text}
SITE = Site(listen=(Listen(host="127.0.0.1", port=9400),), nodes=("http://127.0.0.1:9200",))


@pytest.mark.parametrize("program", sorted(TEXTS))
def test_without_a_file(program: str) -> None:
    result = invoke("export", program)
    assert (result.exit_code, result.stdout) == (0, TEXTS[program](planned(SITE, Wishes())))


@pytest.mark.parametrize("program", sorted(TEXTS))
def test_what_the_options_say(program: str) -> None:
    options = ["--listen", "[::1]:9243", "--certificate", "/c", "--key", "/c.key", "--http2", "--answer-timeout", "5"]
    options += ["--node", "http://es-1:9200", "--node", "http://es-2:9200", "--startgate", "gate:9400"]
    result = invoke("export", program, *options)
    wishes = Wishes(
        listen=at("::1", 9243), certificate="/c", key="/c.key", http2=True, startgate=(at("gate", 9400),), answer_s=5
    )
    site = Site(listen=SITE.listen, nodes=("http://es-1:9200", "http://es-2:9200"))
    assert (result.exit_code, result.stdout) == (0, TEXTS[program](planned(site, wishes)))


def test_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text(
        "listen: 10.0.0.9:9400\ncluster: {nodes: ['http://es:9200'], sniffing: rewrite}\n"
        "limits: {edge: {client_head_s: 7}}\n"
    )
    made = invoke("export", "nginx").stdout
    for piece in ("server 10.0.0.9:9400;", "server es:9200;", '"~*_nodes" startgate;', "client_header_timeout 7000ms;"):
        assert piece in made


def test_every_fault_is_told_and_nothing_printed() -> None:
    result = invoke("export", "nginx", "--listen", "0.0.0.0:0", "--key", "/k", "--http2")
    assert (result.exit_code, result.stdout) == (ExitStatus.INVALID, "")
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["--certificate", "--http2", "--listen"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nginx", "--listen", "nowhere"], "error: --listen: must be host:port"),
        (["nginx", "--startgate", "a b:1"], "error: --startgate: must be host:port"),
        (["nginx", "--node", "es:9200"], "error: --node: must be http(s)://host:port"),
        (["haproxy", "--startgate", "0.0.0.0:9400"], "error: --startgate: 0.0.0.0:9400 stands for every address"),
        (["ingress", "--nodes-service", "es"], "error: --nodes-service: must be NAME:PORT"),
        (["ingress", "--startgate-service", "es"], "error: --startgate-service: must be NAME:PORT"),
        (["ingress", "--name", "a b"], "error: a b: must be a name of Kubernetes"),
        (["envoy", "--config", "none.yml"], "error: none.yml: cannot be read"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], told: str) -> None:
    result = invoke("export", *arguments)
    assert (result.exit_code, result.stdout) == (ExitStatus.INVALID, "")
    assert result.stderr.startswith(told)


def test_an_unknown_front_is_told_with_the_nearest() -> None:
    result = invoke("export", "nginxx")
    assert result.exit_code == ExitStatus.INVALID
    assert "did you mean 'nginx'?" in result.stderr


@pytest.mark.parametrize(("controller", "kind"), [("gateway", "HTTPRoute"), ("nginx", "Ingress")])
def test_manifests(controller: str, kind: str, tmp_path: Path) -> None:
    # In a pod Startgate listens on every address; in Kubernetes it has a name.
    (tmp_path / "startgate.yml").write_text("listen: 0.0.0.0:9400\n")
    result = invoke(
        "export", "ingress", "--controller", controller, "--namespace", "search", "--host", "es.example.org"
    )
    made = yaml.safe_load(result.stdout)
    assert (result.exit_code, made["kind"]) == (0, kind)
    assert made["metadata"] == {**made["metadata"], "name": "startgate", "namespace": "search"}
