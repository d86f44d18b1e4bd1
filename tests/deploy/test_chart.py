"""deploy/helm: Helm's own library lints and renders it, the API's own types take what comes out, and Startgate serves
by the configuration in it."""

import itertools
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from proxy.config import load
from proxy.rules.load import load as load_rules
from tests.deploy.chart.cases import CHOICES, SPOILT, Choice
from tests.deploy.chart.checker import NEWEST, Outcome, Question, marked
from tests.deploy.chart.checker import answered as checked
from tests.deploy.neighbours import ROOT, block, certificate, embedded, page

CHART = ROOT / "deploy" / "helm" / "startgate"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
SITES = {path.name.removesuffix("-values.yaml"): path.read_text() for path in sorted((CHART / "ci").glob("*.yaml"))}
# What the page says to write is one of them.
SITES["page"] = block(page("deployment.md"), "Kubernetes", "image:")
LEAST = SITES["least"]
# What a slip in the values is answered with.
WRONG = {
    "relicas: 3": "'relicas' not allowed",
    "cluster: {nodes: []}": "minItems",
    "cluster: {nodes: [elasticsearch:9200]}": "does not match pattern",
    "tls: {secretName: ''}": "minLength",
    "replicas: 0": "minimum",
    "journal: {size: a lot}": "does not match pattern",
    "journal: {whenDeleted: Keep}": "value must be one of",
    "rules: {files: {a.yml: 'version: 1'}, existingConfigMap: b}": "'not' failed",
    "rules: {files: {rules: 'version: 1'}}": "does not match pattern",
    "networkPolicy: {elasticsearch: {enabled: true}}": "minProperties",
    "networkPolicy: {clients: [{}]}": "minProperties",
    # Services are named so, too, and theirs are labels (RFC 1035).
    "nameOverride: a.b": "does not match pattern",
    "fullnameOverride: a.b": "does not match pattern",
    "fullnameOverride: 1a": "does not match pattern",
}
# Each beside the least; what they change is told by tests.
VARIED = {
    "rules one": "rules: {files: {a.yml: 'version: 1'}}",
    "rules another": "rules: {files: {a.yml: 'version: 1 # changed'}}",
    "level": "config: {log: {level: debug}}",
    "named": "{nameOverride: gate-1, fullnameOverride: one-startgate}",
    "own listen": "config: {listen: '0.0.0.0:9400', workers: 3}",
}
# The oldest that the chart says it is for, and the one whose types are read.
OLDEST = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"].removeprefix(">=").removesuffix("-0")
VERSIONS = (OLDEST, NEWEST)
# As hosted clusters name theirs.
TAKEN = (f"v{OLDEST}-gke.1200", "v1.33.4-eks-b707fbb", "v1.30.2+k3s1")
TOO_OLD = "1.26.15"
PATIENCE_S = 60


@pytest.fixture(name="made", scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """Everything rendered in one go: by a name, by the text that is laid over the least, or by a switch's position."""
    texts = SITES | {text: laid(text) for text in WRONG} | {name: laid(text) for name, text in VARIED.items()}
    questions = {name: Question(chart=str(CHART), values=text) for name, text in texts.items()}
    for choice, version in itertools.product(CHOICES, VERSIONS):
        questions[f"{choice} {version}"] = Question(chart=str(CHART), values=choice.values, version=version)
    for version in (*TAKEN, TOO_OLD):
        questions[version] = Question(chart=str(CHART), values=LEAST, version=version)
    for name, spoil in SPOILT.items():
        chart = tmp_path_factory.mktemp("spoilt") / "startgate"
        shutil.copytree(CHART, chart)
        path = chart / spoil.file
        path.write_text(spoil.spoilt(path.read_text()))
        questions[name] = Question(chart=str(chart), values=SITES["eck"], version=NEWEST)
    return checked(questions)


def laid(text: str) -> str:
    """The least values, with those of a text over them."""
    return yaml.safe_dump(yaml.safe_load(LEAST) | yaml.safe_load(text))


def test_alerts_are_those_of_the_documents() -> None:
    assert (CHART / "alerts.yml").read_bytes() == (ROOT / "docs/alerts.yml").read_bytes()


def test_versions_are_those_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["appVersion"], chart["version"]) == (package, package)


def test_the_user_is_the_image_s() -> None:
    image = re.search(r"^ARG UID=(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert image
    assert VALUES["podSecurityContext"]["runAsUser"] == int(image[1])


def keys(tree: Mapping[str, Any], at: str = "") -> Iterator[str]:
    for name, below in tree.items():
        yield f"{at}{name}"
        if isinstance(below, dict):
            yield from keys(below, f"{at}{name}.")


def described(schema: Mapping[str, Any], at: str = "") -> Iterator[str]:
    for name, below in schema.get("properties", {}).items():
        yield f"{at}{name}"
        yield from described(below, f"{at}{name}.")


def test_every_value_is_described_and_none_besides() -> None:
    free = ("resources", "podSecurityContext", "securityContext")
    known = {key for key in keys(VALUES) if not key.startswith(tuple(f"{one}." for one in free))}
    # What charts that hold this one share is Helm's.
    assert {one for one in described(SCHEMA) if not one.startswith("networkPolicy.clients.")} - {"global"} == known


@pytest.mark.parametrize("site", SITES)
def test_examples_are_values(site: str) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(yaml.safe_load(SITES[site]), SCHEMA)


@marked
@pytest.mark.parametrize("site", [*SITES, *VARIED])
def test_helm_and_the_api_take_it(made: Mapping[str, Outcome], site: str) -> None:
    assert made[site].faults == []
    assert made[site].objects


@marked
@pytest.mark.parametrize("values", WRONG)
def test_slips_are_refused(made: Mapping[str, Outcome], values: str) -> None:
    assert made[values].objects == []
    assert WRONG[values] in "\n".join(made[values].faults)


@marked
@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_position_of_the_switches_is_taken(made: Mapping[str, Outcome], choice: Choice) -> None:
    oldest, newest = (made[f"{choice} {version}"] for version in VERSIONS)
    assert oldest.faults == []
    assert newest.faults == []
    assert oldest.kinds == choice.kinds
    # Nothing depends on the version; what comes first is Helm's affair.
    assert sorted(map(repr, oldest.objects)) == sorted(map(repr, newest.objects))
    told = [(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in oldest.objects]
    assert len(set(told)) == len(told)
    assert oldest.one("StatefulSet")["spec"]["replicas"] == choice.replicas
    mounted = {volume.get("secret", {}).get("secretName") for volume in oldest.pod["volumes"]}
    mounted |= {volume.get("configMap", {}).get("name") for volume in oldest.pod["volumes"]}
    assert mounted - {None, "one-startgate"} == choice.mounted
    assert ("imagePullSecrets" in oldest.pod) == choice.secrets
    scheme = "https" if choice.tls else "http"
    assert oldest.container["readinessProbe"]["httpGet"]["scheme"] == scheme.upper()
    for monitor in oldest.all("ServiceMonitor").values():
        assert [one.get("scheme", "http") for one in monitor["spec"]["endpoints"]] == [scheme]


@marked
@pytest.mark.parametrize("version", TAKEN)
def test_versions_of_hosted_clusters_are_taken(made: Mapping[str, Outcome], version: str) -> None:
    assert made[version].faults == []
    assert made[version].objects


@marked
def test_older_clusters_are_refused(made: Mapping[str, Outcome]) -> None:
    assert made[TOO_OLD].objects == []
    assert "chart requires kubeVersion" in "\n".join(made[TOO_OLD].faults)


@marked
@pytest.mark.parametrize("slip", SPOILT)
def test_slips_in_the_chart_would_be_found(made: Mapping[str, Outcome], slip: str) -> None:
    assert SPOILT[slip].told in "\n".join(made[slip].faults)


@marked
def test_rules_need_no_restart_and_the_configuration_does(made: Mapping[str, Outcome]) -> None:
    one, another = made["rules one"], made["rules another"]
    assert one.all("ConfigMap")["one-startgate-rules"] != another.all("ConfigMap")["one-startgate-rules"]
    assert one.one("StatefulSet") == another.one("StatefulSet")
    # Whole folders follow their ConfigMap; what is mounted by subPath does not.
    (mount,) = (mount for mount in one.container["volumeMounts"] if mount["name"] == "rules")
    assert "subPath" not in mount
    assert made["level"].one("StatefulSet") != made["least"].one("StatefulSet")


@marked
def test_what_config_says_wins(made: Mapping[str, Outcome]) -> None:
    found = yaml.safe_load(made["own listen"].config)
    assert (found["listen"], found["workers"]) == ("0.0.0.0:9400", 3)
    assert yaml.safe_load(made["eck"].config)["limits"]["gate"] == {"cluster_answer_bytes": 134217728}


@marked
@pytest.mark.parametrize("site", SITES)
def test_selectors_and_ports_meet(made: Mapping[str, Outcome], site: str) -> None:
    found = made[site]
    stateful = found.one("StatefulSet")["spec"]
    labels = stateful["template"]["metadata"]["labels"]
    selectors = [
        stateful["selector"]["matchLabels"],
        *(one["spec"]["selector"] for one in found.all("Service").values()),
    ]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in found.all("PodDisruptionBudget").values()]
    assert all(selector.items() <= labels.items() for selector in selectors)
    assert stateful["serviceName"] in found.all("Service")
    ports = {port["name"] for port in found.container["ports"]}
    used = {port["targetPort"] for one in found.all("Service").values() for port in one["spec"]["ports"]}
    assert used <= ports
    volumes = {one["name"] for one in found.pod["volumes"]} | {"journal"}
    assert {one["name"] for one in found.container["volumeMounts"]} == volumes
    for monitor in found.all("ServiceMonitor").values():
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (service,) = (one for one in found.all("Service").values() if wanted <= one["metadata"]["labels"].items())
        assert {one["port"] for one in monitor["spec"]["endpoints"]} <= {
            one["name"] for one in service["spec"]["ports"]
        }
        # By this the alerts know it.
        assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "startgate"


@marked
@pytest.mark.parametrize("site", SITES)
def test_pods_meet_the_restricted_standard(made: Mapping[str, Outcome], site: str) -> None:
    pod, context = made[site].pod, made[site].container["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)


@marked
def test_nobody_but_startgate_reaches_the_nodes(made: Mapping[str, Outcome]) -> None:
    policy = made["eck"].all("NetworkPolicy")["one-startgate-elasticsearch"]
    assert policy["metadata"]["namespace"] == "search"
    http, transport = policy["spec"]["ingress"]
    startgate, operator = http["from"]
    labels = made["eck"].one("StatefulSet")["spec"]["selector"]["matchLabels"]
    assert startgate["podSelector"]["matchLabels"] == labels
    assert startgate["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "search"}
    assert operator["podSelector"]["matchLabels"] == {"control-plane": "elastic-operator"}
    assert http["ports"] == [{"port": 9200, "protocol": "TCP"}]
    assert transport["ports"] == [{"port": 9300, "protocol": "TCP"}]
    assert transport["from"] == [{"podSelector": policy["spec"]["podSelector"]}]
    assert "past Startgate" in made["least"].notes
    assert "past Startgate" not in made["eck"].notes


@marked
@pytest.mark.parametrize("site", SITES)
def test_the_configuration_is_taken_and_there_is_time_to_stop(
    made: Mapping[str, Outcome], site: str, tmp_path: Path
) -> None:
    config = load(placed(made[site], tmp_path), {})
    waits = made[site].pod["terminationGracePeriodSeconds"]
    before = int(made[site].container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert waits > before + config.edge_limits.drain_s + config.gate_limits.drain_s
    # What is in the rules of an example is to be copied.
    assert load_rules(tmp_path / "etc/startgate/rules").revision


def placed(outcome: Outcome, root: Path) -> Path:
    """The files that the pod finds, under a folder instead of `/`; the path of startgate.yml."""
    etc = root / "etc/startgate"
    for name in ("tls", "service", "cluster-ca", "rules"):
        (etc / name).mkdir(parents=True)
    for name in ("var/lib/startgate", "run"):
        (root / name).mkdir(parents=True)
    certificate(etc / "cluster-ca/ca.crt", etc / "tls/tls.crt", etc / "tls/tls.key")
    (etc / "service/api-key").write_text("id:key")
    rules = outcome.all("ConfigMap").get("one-startgate-rules")
    for name, text in rules["data"].items() if rules else [("start.yml", (ROOT / "rules/start.yml").read_text())]:
        (etc / "rules" / name).write_text(text)
    text = outcome.config.replace("/etc/startgate", str(etc)).replace("/var/lib", f"{root}/var/lib")
    path = etc / "startgate.yml"
    path.write_text(text.replace("/run/startgate", f"{root}/run"))
    return path


@marked
def test_it_serves_and_answers_the_probes(made: Mapping[str, Outcome], tmp_path: Path) -> None:
    container = made["least"].container
    with embedded() as node:
        path = placed(made["least"], tmp_path)
        text = path.read_text()
        for there, here in (("0.0.0.0:9400", "127.0.0.1:0"), ("0.0.0.0:9402", "127.0.0.1:0")):
            assert there in text
            text = text.replace(there, here)
        path.write_text(text)
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "proxy", *container["args"]],
                cwd=path.parent,
                env={**os.environ, "STARTGATE_CLUSTER__NODES": node, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert "ready: https://" in line, (tmp_path / "log").read_text()
            port = admin_port(tmp_path / "log")
            assert container["livenessProbe"]["tcpSocket"] == {"port": "clients"}
            for probe in ("startupProbe", "readinessProbe"):
                asked = container[probe]["httpGet"]
                assert asked["scheme"] == "HTTPS"
                answered(f"https://127.0.0.1:{port}{asked['path']}")
            answered(f"https://127.0.0.1:{port}/metrics")
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, (tmp_path / "log").read_text()


def admin_port(log: Path) -> str:
    found = re.search(r"https?://127\.0\.0\.1:(\d+)", log.read_text())
    assert found, log.read_text()
    return found[1]


def answered(url: str) -> None:
    """Asks as the kubelet does: by the address, and without a look at the certificate. In the end the answer is 200."""
    context = ssl._create_unverified_context()  # noqa: S323 -- the kubelet verifies nothing, too
    for _ in range(PATIENCE_S):
        if (status := _status(url, context)) == 200:
            return
        assert status == 503, url
        time.sleep(0.5)
    pytest.fail(f"{url} stays 503")


def _status(url: str, context: ssl.SSLContext) -> int:
    try:
        with urllib.request.urlopen(url, context=context, timeout=PATIENCE_S) as answer:  # noqa: S310 -- ours
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
