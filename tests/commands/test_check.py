"""`startgate check`."""

import json
import re
from pathlib import Path

from proxy.errors import ExitStatus
from tests.commands.running import invoke


def test_check_without_a_file_is_good() -> None:
    result = invoke("check")
    assert result.exit_code == 0
    first, second = result.output.splitlines()
    assert first == "configuration is good: the defaults and the environment"
    assert re.fullmatch(r"rules are good: .*/start\.yml \(revision \w+\)", second)


def test_check_says_which_file_it_read(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("workers: 2\n")
    assert invoke("check").output.startswith("configuration is good: startgate.yml\n")


def test_check_reports_every_fault_of_both(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("listne: a\nworkers: 0\n")
    (tmp_path / "rules.yml").write_text("version: 7\n")
    result = invoke("check", "--rules", "rules.yml")
    assert result.exit_code == ExitStatus.INVALID
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: startgate.yml:1:1: unknown key 'listne' (did you mean 'listen'?)")
    assert lines[1].startswith("error: startgate.yml:2:10: workers: must be from 1 to 256")
    assert any(line.startswith("error: rules.yml:1:") for line in lines)


def test_check_takes_rules_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("version: 1\nstart_data_frame_analytics: {reqire: {}}\n")
    (tmp_path / "other.yml").write_text("rules: mine.yml\n")
    for result in (invoke("check", "-c", "other.yml"), invoke("check", env={"STARTGATE_CONFIG": "other.yml"})):
        assert result.exit_code == ExitStatus.INVALID
        assert "mine.yml:2:" in result.stderr
        assert "did you mean" in result.stderr


def test_check_of_a_file_that_is_not_there() -> None:
    result = invoke("check", "--config", "nowhere.yml")
    assert result.exit_code == ExitStatus.INVALID
    assert result.stderr == "error: nowhere.yml: cannot be read: No such file or directory\n"


def test_check_as_json(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("listne: a\n")
    (tmp_path / "rules.yml").write_text("version: 7\n")
    result = invoke("check", "--json", "--rules", "rules.yml")
    assert result.exit_code == ExitStatus.INVALID
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert (document["good"], document["revision"]) == (False, None)
    first, second, *_ = document["faults"]
    assert (first["file"], first["line"], first["column"]) == ("startgate.yml", 1, 1)
    assert first["message"].startswith("unknown key 'listne'")
    assert (second["file"], second["line"]) == ("rules.yml", 1)


def test_check_as_json_where_all_is_good() -> None:
    result = invoke("check", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["good"], document["faults"]) == (0, True, [])
    assert re.fullmatch(r"\w{12}", document["revision"])
