"""`log.*`: what is written, and what is wrong with it."""

from pathlib import Path

import pytest

from proxy.config import load
from proxy.errors import ConfigError
from proxy.logs.settings import AccessLog, Levels, LogSettings


def read(folder: Path, text: str, **environ: str) -> LogSettings:
    """The section of a configuration."""
    file = folder / "startgate.yml"
    file.write_text(text)
    return load(file, environ).log


def wrong(folder: Path, text: str, **environ: str) -> str:
    """What is said of a configuration that is refused."""
    with pytest.raises(ConfigError) as failure:
        read(folder, text, **environ)
    return str(failure.value)


def test_nothing_is_needed(tmp_path: Path) -> None:
    assert read(tmp_path, "") == LogSettings()


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = """
        log:
          format: json
          path: log.json
          level: warning
          levels: {proxy.edge: debug, proxy.gate.app: error}
          slow_start_s: 0
          access: {path: access.log, sample: 0.01, slow_s: 2.5, errors: false, query: true}
    """
    assert read(tmp_path, text) == LogSettings(
        format="json",
        path=str(tmp_path / "log.json"),
        levels=Levels(level="warning", each={"proxy.edge": "debug", "proxy.gate.app": "error"}),
        access=AccessLog(path=str(tmp_path / "access.log"), sample=0.01, slow_s=2.5, errors=False, query=True),
        slow_start_s=0.0,
    )
    assert not (tmp_path / "log.json").exists(), "who checks may be somebody else than who runs"


def test_variables_say_the_same(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        "",
        STARTGATE_LOG__FORMAT="json",
        STARTGATE_LOG__LEVELS="proxy.edge=debug, proxy.gate=error",
        STARTGATE_LOG__ACCESS__PATH="stderr",
        STARTGATE_LOG__ACCESS__SAMPLE="0.5",
        STARTGATE_LOG__ACCESS__ERRORS="false",
    )
    assert made.levels.each == {"proxy.edge": "debug", "proxy.gate": "error"}
    assert made.access == AccessLog(path=None, sample=0.5, errors=False)


def test_the_gate_is_told_which_start_is_slow(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("log: {slow_start_s: 3}")
    assert load(tmp_path / "startgate.yml", {}).gate_settings("x").slow_start_s == 3.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("log: {format: jsno}", "must be one of console, json, and is 'jsno' (did you mean 'json'?)"),
        ("log: {level: warn}", "a level is one of debug, info, warning, error, critical, and not 'warn'"),
        ("log: {level: 3}", "must be a text"),
        ("log: {levels: debug}", "must be a map of loggers to levels, and is a text"),
        ("log: {levels: {proxy.egde: debug}}", "there is no logger 'proxy.egde' (did you mean 'proxy.edge'?)"),
        ("log: {levels: {aiohttp: debug}}", "each begins with proxy"),
        ("log: {levels: {proxy.edge: default}}", "and not 'default'"),
        ("log: {path: none/log}", "none does not exist or is no folder"),
        ("log: {path: .}", "is a folder: name a file in it"),
        ("log: {slow_start_s: -1}", "must be a number of seconds above 0, or 0"),
        ("log: {access: {sample: 0.5}}", "log.access.sample: needs log.access.path: a file, or stderr"),
        ("log: {access: {path: stderr, sample: 1.5}}", "must be a number from 0 to 1"),
        ("log: {access: {path: stderr, sample: true}}", "must be a number from 0 to 1"),
        ("log: {access: {path: stderr, sample: [1]}}", "and is a list"),
        ("log: {access: {path: none/log}}", "none does not exist or is no folder"),
        ("log: {access: {path: stderr, slow: 1}}", "did you mean 'slow_s'?"),
        ("log: {file: x}", "unknown key 'log.file'"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    assert told in wrong(tmp_path, text)


def test_all_faults_of_a_map_are_told_with_their_places(tmp_path: Path) -> None:
    said = wrong(tmp_path, "log:\n  levels:\n    proxy.none: debug\n    proxy.edge: loud\n")
    assert "startgate.yml:3:5: log.levels: there is no logger 'proxy.none'" in said
    assert "startgate.yml:4:17: log.levels: a level is one of" in said


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("STARTGATE_LOG__LEVELS", "proxy.edge", "must be logger=level, with commas between"),
        ("STARTGATE_LOG__LEVELS", "proxy=debug,proxy=info", "proxy is named twice"),
        ("STARTGATE_LOG__ACCESS__SAMPLE", "few", "must be a number from 0 to 1, and is 'few'"),
    ],
)
def test_what_is_wrong_with_a_variable_is_told(tmp_path: Path, name: str, value: str, told: str) -> None:
    assert told in wrong(tmp_path, "log: {access: {path: stderr}}", **{name: value})


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path).name != "log")
    (tmp_path / "log").touch()
    assert "log cannot be written: permission denied" in wrong(tmp_path, "log: {path: log}")
