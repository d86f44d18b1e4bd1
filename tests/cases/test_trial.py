"""The process that tries one case: what it is given comes back as a verdict or as faults with their places."""

import io
import json
import resource
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from proxy.cases import trial
from proxy.cases.trial import DIFFERENCES, STEPS, tried, unpacked
from proxy.gate.trial import NAME, packed
from proxy.rules.compiled import Mode
from tests.cases.trials import CASE, CHILD, HOSTILE
from tests.gate.fakes import RULES
from tests.gate.samples import FIRE, guard, guarded


def test_rules_come_over_as_they_are() -> None:
    rules = replace(guarded(guard("g", "job.id == 'x'", Mode.WARN)), break_glass=(FIRE,))
    given, text = unpacked(packed(rules, CASE))
    assert text == CASE
    assert given == rules
    assert given.revision == rules.revision
    assert given.guards[0].program.paths == rules.guards[0].program.paths


def test_a_case_comes_to_a_verdict_with_all_steps_and_a_plan() -> None:
    found = tried(RULES, CASE)
    assert (found.name, found.verdict, found.status, found.reason) == ("ann may", "allowed", 200, "")
    assert found.plan["step"] == "create"
    assert found.plan["body"]["mappings"]["properties"]["distance"] == {"type": "double"}
    assert {step.kind for step in found.steps} == {"identity", "requirement"}
    assert str(RULES.cluster[0].origin) in {step.rule for step in found.steps}
    assert found.differences == ()
    assert found.faults == ()


def test_what_the_case_wants_differently_is_told() -> None:
    found = tried(RULES, CASE.replace("verdict: allowed", "verdict: denied, status: 200, reasons: [never]"))
    assert found.verdict == "allowed"
    assert any("verdict" in one for one in found.differences)


def test_a_start_that_comes_to_no_verdict_says_why() -> None:
    found = tried(RULES, CASE.replace("    job: outliers", "    job: other"))
    assert (found.verdict, found.status) == ("", 404)
    assert "other" in found.reason
    assert found.steps == ()


def test_what_a_suite_passes_over_is_tried() -> None:
    assert tried(RULES, CASE + "    skip: not now\n").verdict == "allowed"


def test_the_rules_that_a_case_names_do_not_count() -> None:
    assert tried(RULES, "rules: /etc/passwd\n" + CASE).verdict == "allowed"


def test_a_case_with_many_sources_tells_the_first_steps() -> None:
    many = ", ".join(f"s{number}" for number in range(STEPS))
    found = tried(RULES, CASE.replace("source: {index: [flights]}", f"source: {{index: [{many}]}}"))
    assert found.verdict == "denied"
    assert len(found.steps) == STEPS
    assert len(found.differences) <= DIFFERENCES


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_case_has_faults_with_places(name: str) -> None:
    found = tried(RULES, HOSTILE[name])
    assert found.faults
    assert found.verdict == ""
    assert all(fault.where == NAME and fault.line >= 1 and fault.column >= 1 for fault in found.faults)


class Streams(io.BytesIO):
    """A standard stream."""

    @property
    def buffer(self) -> "Streams":
        """The bytes behind it."""
        return self


def test_it_bounds_itself_before_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []

    class Watched(Streams):
        def read(self, size: int | None = -1) -> bytes:
            done.append("read")
            return super().read(size)

    stdout = Streams()
    monkeypatch.setattr("resource.setrlimit", lambda which, _bounds: done.append(which))
    monkeypatch.setattr("os.nice", lambda _step: done.append("nice"))
    monkeypatch.setattr("logging.disable", lambda _level: None)
    monkeypatch.setattr("sys.stdin", Watched(packed(RULES, CASE)))
    monkeypatch.setattr("sys.stdout", stdout)
    assert trial.main() == 0
    assert json.loads(stdout.getvalue())["verdict"] == "allowed"
    assert done[-1] == "read"
    assert {*done} >= {"nice", resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE}


def test_as_a_process_it_says_what_came_of_it_and_nothing_else() -> None:
    done = subprocess.run(CHILD, input=packed(RULES, CASE), capture_output=True, check=True)
    assert json.loads(done.stdout)["verdict"] == "allowed"
    assert done.stderr == b""
