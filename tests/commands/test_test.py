"""`startgate test`."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from proxy.commands.test import test as command
from tests.cases.samples import CASES, RULES

# Somebody who may see jobs, and not start them.
GUEST = """\
  - name: carl may only look
    caller: carl
    job: delays
    expect: {verdict: denied}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "rules_test.yml").write_text(CASES)
    return tmp_path


def told(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_all_cases_of_a_folder(folder: Path) -> None:
    result = told(folder)
    assert result.exit_code == 0, result.output
    assert "ok      ada may start" in result.output
    assert result.output.endswith("2 passed, 0 failed, 0 skipped\n")


def test_the_configured_rules_where_no_folder_is_given(folder: Path) -> None:
    config = folder / "startgate.conf"
    config.write_text(f"rules: {folder}\n")
    assert told("-c", config).exit_code == 0


def test_a_failing_case(folder: Path) -> None:
    (folder / "rules_test.yml").write_text(CASES.replace("status: 403", "status: 404"))
    result = told(folder)
    assert result.exit_code == 1
    assert "status: expected 404, got 403" in result.output


def test_only_some(folder: Path) -> None:
    assert "1 passed" in told(folder, "-k", "bob").output
    none = told(folder, "-k", "eve")
    assert none.exit_code == 2
    assert "no case has `eve` in its name" in none.output


def test_junit(folder: Path) -> None:
    assert told(folder, "--junit", folder / "out.xml").exit_code == 0
    root = ElementTree.parse(folder / "out.xml").getroot()  # noqa: S314 -- our own document
    assert root.get("tests") == "2"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rules.yml", "version: 2", "`version` must be the number 1"),
        ("rules_test.yml", "version: 1", "`cases` is missing"),
    ],
)
def test_what_cannot_be_read(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text)
    result = told(folder)
    assert result.exit_code == 2
    assert message in result.output


def test_nothing_to_try(tmp_path: Path) -> None:
    result = told(tmp_path)
    assert result.exit_code == 2
    assert "holds no cases: their files end in _test.yml" in result.output


def test_coverage(folder: Path) -> None:
    result = told(folder, "--coverage")
    assert result.exit_code == 0
    assert "cluster.manage_ml: never seen to speak against a start" in result.output
    assert "source.read: both sides tried" in result.output
    assert told(folder, "--require-coverage").exit_code == 1
    (folder / "rules_test.yml").write_text(
        CASES.replace("  guest:", "  carl: {roles: [machine_learning_user]}\n  guest:") + GUEST
    )
    whole = told(folder, "--require-coverage")
    assert whole.exit_code == 0, whole.output
    assert "never seen" not in whole.output
