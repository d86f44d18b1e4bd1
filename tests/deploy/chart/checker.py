"""What the program beside this says of charts and manifests: Helm's own library lints and renders, the API's own types
read strictly. It is built of what go.mod names, and nothing else."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

FOLDER = Path(__file__).parent
# Of what the chart is for, the version that most tests ask about.
USUAL = "1.32.0"
# The one whose types are read: k8s.io/api v0.N is Kubernetes 1.N.
NEWEST = "1.{}.0".format(*re.findall(r"k8s\.io/api v0\.(\d+)\.", (FOLDER / "go.mod").read_text()))
# From a machine that has built nothing yet: what Helm is made of takes a minute or two.
BUILD_S = 500

needs_helm = [pytest.mark.slow, pytest.mark.real, pytest.mark.timeout(BUILD_S + 100)]


def marked(test: Any) -> Any:
    """A test that needs what the program says."""
    for mark in needs_helm:
        test = mark(test)
    return test


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A chart's folder with the text of its values, or the text of a manifest; for a version of Kubernetes."""

    chart: str = ""
    values: str = ""
    manifest: str = ""
    version: str = USUAL


class Outcome(NamedTuple):
    """What came of a question: the objects, what a user is told after `helm install`, and what is wrong."""

    objects: list[dict[str, Any]]
    notes: str
    faults: list[str]

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of a kind by name."""
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == kind}

    def one(self, kind: str) -> dict[str, Any]:
        """The only object of a kind."""
        (found,) = self.all(kind).values()
        return found

    @property
    def kinds(self) -> set[str]:
        """Which kinds there are."""
        return {one["kind"] for one in self.objects}

    @property
    def config(self) -> str:
        """The text of startgate.yml."""
        return str(self.all("ConfigMap")["one-startgate"]["data"]["startgate.yml"])

    @property
    def pod(self) -> dict[str, Any]:
        """The specification of a replica's pod."""
        return dict(self.one("StatefulSet")["spec"]["template"]["spec"])

    @property
    def container(self) -> dict[str, Any]:
        """Startgate's container."""
        (found,) = self.pod["containers"]
        return dict(found)


def answered(questions: Mapping[str, Question]) -> dict[str, Outcome]:
    """What came of each, by the names of the questions; all in one go, as the program has to be built and started.

    Skips the test where Go is missing, and fails it where that must not be."""
    if shutil.which("go") is None:
        assert os.environ.get("STARTGATE_REQUIRE_REAL") != "1", "Go is missing"
        pytest.skip("Go is missing")
    done = subprocess.run(
        ["go", "run", "."],
        cwd=FOLDER,
        input=json.dumps({name: asdict(one) for name, one in questions.items()}),
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_S,
    )
    assert done.returncode == 0, done.stderr
    return {name: Outcome(**outcome) for name, outcome in json.loads(done.stdout).items()}
