"""Logging in a process: set up, changed, and nothing of what libraries say of every call."""

import json
import logging
from pathlib import Path

import pytest

from proxy import logs
from proxy.logs import setup
from proxy.logs.levels import QUIET
from proxy.logs.settings import Levels, LogSettings

logger = logging.getLogger("proxy.edge")


def test_lines_go_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("edge-1")
    logger.warning("%d connections were cut", 3)
    assert capfd.readouterr().err.endswith("Z WARNING edge-1: 3 connections were cut\n")


def test_libraries_do_not_speak_of_every_call(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("gate")
    for name in QUIET:
        logging.getLogger(name).info("a call")
        logging.getLogger(name).error("trouble in %s", name)
    logging.getLogger("proxy").info("heard")
    said = capfd.readouterr().err
    assert "a call" not in said
    assert said.count("trouble in") == len(QUIET)
    assert "heard" in said


def test_configuring_twice_does_not_double_the_lines(tmp_path: Path) -> None:
    for name in ("a", "b"):
        logs.configure(name, LogSettings(path=str(tmp_path / name)))
    logger.warning("once")
    assert (tmp_path / "a").read_text() == ""
    assert (tmp_path / "b").read_text().count("once") == 1


def test_json_goes_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "log"
    logs.configure("gate", LogSettings(format="json", path=str(file)))
    logger.error("line\nbreak")
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["message"] == "line\nbreak"
    assert json.loads(line)["service.node.name"] == "gate"


def test_a_file_that_cannot_be_opened_leaves_all_as_it_was(tmp_path: Path) -> None:
    logs.configure("gate", LogSettings(path=str(tmp_path / "log")))
    with pytest.raises(OSError, match="No such file"):
        logs.configure("gate", LogSettings(path=str(tmp_path / "none" / "log")))
    logger.warning("heard")
    assert "heard" in (tmp_path / "log").read_text()


def test_levels_change_while_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "log"
    logs.configure("gate", LogSettings(path=str(file), levels=Levels(level="warning")))
    logger.info("not told")
    setup.set_levels(Levels(each={"proxy.edge": "debug"}))
    logger.debug("told")
    assert setup.current_levels() == Levels(each={"proxy.edge": "debug"})
    assert "not told" not in file.read_text()
    assert "told" in file.read_text()


def test_the_file_is_opened_again(tmp_path: Path) -> None:
    setup.reopen()  # nothing is open yet
    folder = tmp_path / "logs"
    folder.mkdir()
    logs.configure("gate", LogSettings(path=str(folder / "log")))
    (folder / "log").rename(tmp_path / "1")
    setup.reopen()
    logger.warning("second")
    (folder / "log").rename(tmp_path / "2")
    folder.rmdir()
    setup.reopen()
    assert (tmp_path / "1").read_text() == ""
    assert "second" in (tmp_path / "2").read_text()
    assert "ERROR gate: the log cannot be opened again, and goes on where it was" in (tmp_path / "2").read_text()


def test_lost_lines_are_told_once_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    logs.configure("gate", LogSettings(path=str(path)))
    logger.warning("lost")
    logger.warning("lost, too")
    path.unlink()
    setup.reopen()
    logger.warning("written")
    logger.warning("again")
    text = path.read_text()
    assert "gate: written\n" in text
    assert text.count("2 lines of this log were lost: No space left on device") == 1
