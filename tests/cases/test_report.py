"""Results for people and for machines."""

from dataclasses import replace
from xml.etree import ElementTree

from proxy.cases.coverage import Covered
from proxy.cases.model import Case
from proxy.cases.report import covered_lines, junit, lines, summary
from proxy.cases.run import Result
from tests.cases.samples import sample

CASE: Case = sample().cases[0]
RESULTS = (
    Result(file="a_test.yml", case=CASE),
    Result(
        file="a_test.yml", case=replace(CASE, name="odd\x1b[31m\x00"), differences=("status: no\nmore", "error: <x>")
    ),
    Result(file="b_test.yml", case=CASE, skipped="not yet"),
)


def test_lines() -> None:
    told = [line.plain for line in lines(RESULTS)]
    assert told == [
        "ok      ada may start",
        f"failed  odd\\x1b[31m\\x00  {CASE.origin}",
        "    status: no",
        "    more",
        "    error: <x>",
        "skipped ada may start (not yet)",
        "1 passed, 1 failed, 1 skipped",
    ]
    assert summary(()) == "0 passed, 0 failed, 0 skipped"


def test_junit_is_xml_whatever_a_case_is_called() -> None:
    root = ElementTree.fromstring(junit(RESULTS))  # noqa: S314 -- our own document
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("3", "1", "1")
    first, second = root
    assert [suite.get("name") for suite in root] == ["a_test.yml", "b_test.yml"]
    assert (first.get("tests"), second.get("tests")) == ("2", "1")
    failed = first[1]
    assert failed.get("name") == "odd\ufffd[31m\ufffd"
    assert failed.find("failure") is not None
    assert failed.findtext("failure") == "status: no\nmore\nerror: <x>"
    assert second[0].find("skipped") is not None


def test_coverage_says_what_no_case_has_seen() -> None:
    covered = [
        Covered(name="a", place="r:1", passed=True, against=True),
        Covered(name="b", place="r:2", passed=True, against=False),
        Covered(name="c", place="r:3", passed=False, against=False),
    ]
    assert [line.plain for line in covered_lines(covered)] == [
        "r:1  a: both sides tried",
        "r:2  b: never seen to speak against a start",
        "r:3  c: never seen to speak for or against a start",
    ]
