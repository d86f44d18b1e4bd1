"""What the chart is tried with: every position of its switches, and slips that the checks must find."""

import itertools
from typing import Any, NamedTuple

import yaml


class Choice(NamedTuple):
    """One position of every switch that adds or leaves out parts of the chart."""

    replicas: int
    tls: bool
    monitor: bool
    secrets: bool
    wall: bool

    @property
    def values(self) -> str:
        """What is written for it."""
        made: dict[str, Any] = {
            "replicas": self.replicas,
            "cluster": {"nodes": ["https://es:9200"], "ca": {"secretName": "their-ca" if self.secrets else ""}},
            "tls": {"enabled": self.tls, "secretName": "their-tls" if self.tls else ""},
            "metrics": {"serviceMonitor": {"enabled": self.monitor}, "prometheusRule": {"enabled": self.monitor}},
            "networkPolicy": {"enabled": self.wall},
        }
        if self.secrets:
            made["serviceCredential"] = {"secretName": "their-key", "key": "token"}
            made["rules"] = {"existingConfigMap": "their-rules"}
            made["imagePullSecrets"] = [{"name": "their-registry"}]
        return yaml.safe_dump(made)

    @property
    def kinds(self) -> set[str]:
        """What is to come of it."""
        always = {"ConfigMap", "Service", "ServiceAccount", "StatefulSet", "PodDisruptionBudget"}
        monitors = {"ServiceMonitor", "PrometheusRule"} if self.monitor else set()
        return always | monitors | ({"NetworkPolicy"} if self.wall else set())

    @property
    def mounted(self) -> set[str]:
        """The secrets and the ConfigMap that are somebody else's."""
        found = {"their-ca", "their-key", "their-rules"} if self.secrets else set()
        return found | ({"their-tls"} if self.tls else set())

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self._asdict().items())


_SWITCH = (False, True)
CHOICES = [Choice(*one) for one in itertools.product((1, 3), _SWITCH, _SWITCH, _SWITCH, _SWITCH)]


class Spoil(NamedTuple):
    """A slip in one file of the chart, and what has to be told of it."""

    file: str
    was: str
    becomes: str
    told: str

    def spoilt(self, text: str) -> str:
        """The file's text with the slip."""
        assert self.was in text, self.was
        return text.replace(self.was, self.becomes, 1)


_BUDGET, _SERVICE, _SET = (f"templates/{name}.yaml" for name in ("poddisruptionbudget", "service", "statefulset"))
# In the templates, of which the site `eck` needs every one, and in what is beside them.
SPOILT = {
    "unknown field": Spoil(_SERVICE, "sessionAffinity:", "sessionAfinity:", 'unknown field "spec.sessionAfinity"'),
    "field of another object": Spoil(_BUDGET, "maxUnavailable:", "replicas: 1\n  maxUnavailable:", '"spec.replicas"'),
    "deep field": Spoil(_SET, "failureThreshold: 6", "failureTreshold: 6", "livenessProbe.failureTreshold"),
    "case of a field": Spoil(_SET, "serviceName:", "servicename:", 'unknown field "spec.servicename"'),
    "doubled field": Spoil(_SET, "minReadySeconds: 5", "replicas: 5", 'key "replicas" already set'),
    "type": Spoil(_SET, "minReadySeconds: 5", "minReadySeconds: soon", "cannot unmarshal string"),
    "kind": Spoil(_SERVICE, "kind: Service", "kind: Servise", 'no kind "Servise" is registered'),
    "field of a monitor": Spoil("templates/monitoring.yaml", "jobLabel:", "jobLable:", 'unknown field "spec.jobLable"'),
    "name": Spoil(_SERVICE, "name: {{ $name }}", "name: one_{{ $name }}", "metadata.name: a DNS-1035 label"),
    "removed": Spoil(_BUDGET, "policy/v1", "policy/v1beta1", "lint: [WARNING]"),
    "template": Spoil(
        _SET, "{{ .Values.replicas }}", "{{ .Values.replicas | nosuch }}", 'function "nosuch" not defined'
    ),
    "lint of the chart": Spoil("Chart.yaml", "apiVersion: v2", "apiVersion: v7", "lint: [ERROR] Chart.yaml: "),
    "lint of a template": Spoil(_SET, "kind: StatefulSet", "kind: StatefulSet\n   a: b", "lint: [ERROR] templates/"),
    "lint of the values": Spoil("values.yaml", "replicas: 2", "replicas: [", "lint: [ERROR] values.yaml: "),
}
