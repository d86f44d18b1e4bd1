"""`make pythons`: what is run for each release of Debian. True roots take minutes and are made by hand only."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import pythons

RECORD = '#!/bin/sh\necho "${{0##*/}}" "${{@}}" | head -n 1 >> {log}\n'


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of its own, in which debootstrap and unshare only note how they were called."""
    monkeypatch.setattr(pythons, "ROOTS", tmp_path / "roots")
    log, programs = tmp_path / "log", tmp_path / "bin"
    programs.mkdir()
    for name in ("debootstrap", "git", "unshare"):
        path = programs / name
        path.write_text(RECORD.format(log=log))
        path.chmod(0o700)
    monkeypatch.setattr(pythons, "GIVEN", ())
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return log


def calls(log: Path) -> list[str]:
    """The programs that were called, in order."""
    return [line.split()[0] for line in log.read_text().splitlines()]


def test_a_root_is_made_once(log: Path) -> None:
    assert pythons.main("2", ("trixie",)) == 0
    assert pythons.main("2", ("trixie",)) == 0
    assert calls(log) == ["debootstrap", "git", "unshare", "git", "unshare"]
    assert f"trixie {log.parent}/roots/trixie" in log.read_text()


def test_a_root_that_was_not_finished_is_made_anew(log: Path) -> None:
    (log.parent / "bin" / "debootstrap").write_text(RECORD.format(log=log) + "exit 1\n")
    with pytest.raises(subprocess.CalledProcessError):
        pythons.main("2", ("trixie",))
    left = log.parent / "roots" / "trixie" / "half"
    left.touch()
    with pytest.raises(subprocess.CalledProcessError):
        pythons.main("2", ("trixie",))
    assert not left.exists()
    assert calls(log) == ["debootstrap", "debootstrap"]


def test_releases_whose_tests_fail_are_named(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unshare = log.parent / "bin" / "unshare"
    unshare.write_text('#!/bin/sh\ncase "$*" in *sid*) exit 1;; esac\n')
    assert pythons.main("2", ("bookworm", "sid")) == 1
    assert capsys.readouterr().out == "failed on: sid\n"


def test_what_is_mounted_is_seen_by_nobody_else() -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    command = pythons.tests(Path("/nowhere"), "2")
    assert command[1:4] == ["--mount", "--propagation", "private"]
    assert command[-2:] == ["/nowhere", "2"]
    assert subprocess.run(["/bin/sh", "-n", "-c", pythons.TESTS], check=False).returncode == 0


def test_a_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match=r"^debootstrap is missing: apt-get install debootstrap"):
        pythons.bootstrap("sid", Path("/x"))
