"""Files of cases: what they may hold."""

import re
from pathlib import Path

import pytest

from proxy.cases import parts, read
from proxy.cases.model import DEFAULT_NOW_MS, Wanted
from proxy.cases.read import cases_of
from tests.cases.samples import CASES, sample

CASE = "{name: one, caller: ada, job: j, expect: {verdict: allowed}"

HOSTILE = """
version: 1
identities: {ada: {}}
indices: {a: {documents: 1}}
cases:
  - {name: one, caller: ada, job: j, expect: {verdict: allowed}}
"""


def with_case(text: str) -> str:
    """A file with one case."""
    return f"version: 1\nidentities:\n  ada: {{roles: []}}\ncases:\n  - {text}\n"


def test_a_file() -> None:
    found = sample()
    assert [case.name for case in found.cases] == ["ada may start", "bob may read nothing"]
    assert str(found.cases[0].origin).startswith("a_test.yml:")
    assert found.cases[0].now_ms == DEFAULT_NOW_MS
    assert found.cases[1].expected.verdict is Wanted.DENIED
    assert set(found.setting.identities) == {"ada", "bob", "kibana_system", "key", "guest"}


def test_all_that_a_case_may_hold() -> None:
    text = """{name: one, caller: ada, secondary: ada, job: j, now: 1970-01-01T00:00:01Z, skip: why,
      request: {peer: '10.0.0.1:1', timeout: 1m, headers: {user-agent: me}},
      running: [{id: r, analysis: regression, sources: [a], destination: b, model_memory_limit_bytes: 5,
        owner_roles: [x]}, {}],
      cluster: {status: 400, error: bad},
      expect: {verdict: denied, status: 400, warnings: [w], shadowed: [s], error: e}}"""
    (case,) = sample(with_case(text)).cases
    assert (case.secondary, case.now_ms, case.skip, case.peer, case.timeout) == ("ada", 1000, "why", "10.0.0.1:1", "1m")
    assert case.headers == (("user-agent", "me"),)
    assert [job.model_memory_limit_bytes for job in case.running] == [5, 1024**3]
    assert [job.id for job in case.running] == ["r", "running-2"]
    assert (case.cluster_status, case.cluster_error) == (400, "bad")
    assert (case.expected.warnings, case.expected.shadowed) == (("w",), ("s",))
    assert (case.expected.plan, case.expected.journal) == (None, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("[]", "a file of cases is a mapping"),
        ("cases: []", "begins with `version: 1`"),
        ("version: 2\ncases: []", "begins with `version: 1`"),
        ("version: 1", "`cases` is missing"),
        ("version: 1\ncases: []", "`cases` is empty"),
        ("version: 1\ncases: {}", "`cases` must be a list"),
        ("version: 1\ncase: []", "unknown key `case` (did you mean 'cases'?)"),
        ("version: 1\nindices: []\ncases: []", "`indices` must be a mapping by name"),
        ("version: 1\ncluster: {service: maybe}\ncases: []", "`service` takes true or false"),
        (with_case("x"), "a case is a mapping"),
        (with_case("{name: one}"), "the case has no `caller`"),
        (
            with_case("{name: one, caller: adda, job: j, expect: {verdict: allowed}}"),
            "(did you mean 'ada'?); there are: `ada`",
        ),
        (with_case(f"{CASE}, secondary: eve}}"), "`eve` is not in `identities`"),
        (with_case(f"{CASE}, now: today}}"), "takes a moment with its zone"),
        (with_case(f"{CASE}, running: [x]}}"), "a running job is a mapping"),
        (with_case(f"{CASE}, running: [{{model_memory_limit_bytes: 1gb}}]}}"), "takes a whole number"),
        (with_case(f"{CASE}, request: {{headers: [a]}}}}"), "`headers` must be a mapping"),
        (with_case(f"{CASE}, cluster: {{status: 42}}}}"), "`status` takes a whole number from 200 to 599"),
        (with_case("{name: one, caller: ada, job: j, expect: {}}"), "`expect` has no `verdict`"),
        (
            with_case("{name: one, caller: ada, job: j, expect: {verdict: perhaps}}"),
            "`perhaps` is not a value of `verdict`",
        ),
        (with_case("{name: one, caller: ada, job: j, expect: {verdict: allowed, journal: [x]}}"), "each of `journal`"),
        (with_case(f"{CASE}}}\n  - {CASE}}}"), "the case `one` is there twice; the first is in line 5"),
    ],
)
def test_faults(text: str, told: str) -> None:
    found, faults = cases_of(text, "a_test.yml")
    assert found is None
    assert told in "\n".join(str(fault) for fault in faults)
    assert all(str(fault).startswith("a_test.yml:") for fault in faults)


def test_all_faults_at_once() -> None:
    text = CASES.replace("verdict: allowed", "verdict: alowed").replace("caller: bob", "caller: bobb")
    _, faults = cases_of(text, "a_test.yml")
    assert len(faults) == 2


TABLES = {
    "A file of cases": read.FILE_KEYS,
    "`cluster` of a file": read.CLUSTER_KEYS,
    "An identity": parts.IDENTITY_KEYS,
    "A job": parts.JOB_KEYS,
    "An index": parts.INDEX_KEYS,
    "A case": read.CASE_KEYS,
    "`request`": read.REQUEST_KEYS,
    "One of `running`": read.RUNNING_KEYS,
    "`cluster` of a case": read.ANSWER_KEYS,
    "`expect`": read.EXPECT_KEYS,
}


@pytest.mark.parametrize("heading", TABLES)
def test_the_document_has_every_key_and_no_other(heading: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "testing-rules.md").read_text()
    part = text.split(f"\n### {heading}\n", 1)[1].split("\n#", 1)[0]
    assert tuple(re.findall(r"^\| `([a-z_]+)` \|", part, flags=re.MULTILINE)) == TABLES[heading]


def test_the_case_in_the_document_is_read() -> None:
    text = (Path(__file__).parents[2] / "docs" / "testing-rules.md").read_text()
    block = re.search(r"((?:    .*\n)*    version: 1\n(?:    .*\n)+)", text)
    assert block is not None
    found, faults = read.cases_of(re.sub(r"^    ", "", block[1], flags=re.MULTILINE), "a_test.yml")
    assert faults == ()
    assert found is not None
    assert len(found.cases) == 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("documents: 1", f"documents: {'9' * 5000}", "takes a whole number from 0"),
        ("documents: 1", f"mappings: {{x: {'9' * 5000}}}", "has at most 20 digits"),
        ("documents: 1", "mappings: {x: .inf}", "YAML reads `.inf` as float"),
        ("documents: 1", "mappings: {x: 1.0e+999}", "as float"),
        ("job: j", "job: j, now: 9999-12-31T23:59:59-14:00", "takes a moment with its zone"),
        ("job: j", "job: j, now: 0001-01-01T00:00:00+14:00", "takes a moment with its zone"),
        ("ada", '"\\ud83d"', "half a character"),
        ("name: one", 'name: "\\ud83d"', "half a character"),
        ("ada: {}", "ada: {<<: {}}", "the merge key"),
        ("ada: {}", "ada: &a {}", "the anchor"),
        ("name: one", "name: no", "put it in quotes"),
        ("job: j", "job: 012", "put it in quotes"),
        ("version: 1", "version: 1\nversion: 1", "is there twice"),
        ("documents: 1", "mappings: " + "{a: " * 60 + "1" + "}" * 60, "nested deeper than 16 levels"),
    ],
)
def test_hostile_files_are_faults_with_a_place(old: str, new: str, told: str) -> None:
    assert old in HOSTILE
    assert read.cases_of(HOSTILE, "a_test.yml")[1] == ()
    found, faults = read.cases_of(HOSTILE.replace(old, new), "a_test.yml")
    assert found is None
    assert any(told in str(fault) for fault in faults), [str(fault) for fault in faults]
    assert all(fault.line for fault in faults)
