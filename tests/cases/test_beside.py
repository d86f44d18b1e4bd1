"""The cases beside rules that are to come into force."""

import logging
from pathlib import Path

import pytest

from proxy.cases import beside
from proxy.cases.beside import run_beside
from proxy.gate import flow
from proxy.gate.rules_in_force import Source
from proxy.rules import load
from tests.cases.samples import CASES, RULES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Rules with cases beside them."""
    place = tmp_path / "rules"
    place.mkdir()
    (place / "rules.yml").write_text(RULES)
    (place / "rules_test.yml").write_text(CASES)
    return place


def test_cases_that_pass_are_counted(folder: Path) -> None:
    told = run_beside(folder, load(folder))
    assert (told.run, told.failures) == (2, ())


def test_a_case_that_fails_is_told_with_its_place(folder: Path) -> None:
    (folder / "rules_test.yml").write_text(CASES.replace("denied", "allowed"))
    told = run_beside(folder, load(folder))
    assert told.run == 2
    assert [str(fault).partition(": the case")[0] for fault in told.failures] == [
        f"{folder}/rules_test.yml:{_line(CASES, 'bob may read nothing')}:1"
    ]
    assert "`bob may read nothing` fails: " in told.failures[0].message


def _line(text: str, word: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if word in line)


def test_cases_that_cannot_be_read_keep_rules_out(folder: Path) -> None:
    (folder / "bad_test.yml").write_text("cases: 3")
    taken, ran = Source(path=folder, cases=run_beside).take()
    assert taken.rules is None
    assert "bad_test.yml" in taken.faults[0].where
    assert ran is not None
    assert (ran.run, ran.failed) == (2, len(taken.faults))


def test_cases_about_other_rules_and_below_are_left_alone(folder: Path) -> None:
    failing = CASES.replace("denied", "allowed")
    (folder / "rules_test.yml").write_text(CASES)
    (folder / "other_test.yml").write_text("rules: elsewhere.yml\n" + failing)
    (folder / ".swap_test.yml").write_text("half")
    below = folder / "below"
    below.mkdir()
    (below / "deep_test.yml").write_text(failing)
    assert run_beside(folder, load(folder)).failures == ()


def test_cases_of_a_single_file_name_it(folder: Path) -> None:
    path = folder / "rules.yml"
    assert run_beside(path, load(path)).run == 0
    (folder / "one_test.yml").write_text("rules: rules.yml\n" + CASES)
    assert run_beside(path, load(path)).run == 2


def test_what_cases_log_is_of_no_start(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with beside._quiet():
        flow.logger.error("of a case")
    flow.logger.error("of a start")
    assert [record.getMessage() for record in caplog.records] == ["of a start"]
    assert flow.logger.filters == []
