"""Wheel and sdist: the same bytes each time, all that is needed and nothing else; and they run where nothing is."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tools.release import dist

ROOT = Path(__file__).parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist, which came out the same twice."""
    folder = tmp_path_factory.mktemp("dist")
    assert dist.differences(ROOT, folder) == []
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    return built / f"startgate-{VERSION}-py3-none-any.whl"


@pytest.mark.slow
def test_the_wheel_holds_the_program_and_nothing_of_its_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"proxy", f"startgate-{VERSION}.dist-info", f"startgate-{VERSION}.data"}
    wanted = {f"proxy/{path.relative_to(ROOT / 'proxy')}" for path in (ROOT / "proxy").rglob("*.py")}
    assert wanted <= set(names)
    assert {"proxy/py.typed", "proxy/shipped_rules/start.yml"} <= set(names)
    shared = f"startgate-{VERSION}.data/data/share"
    assert {f"{shared}/man/man1/startgate.1", f"{shared}/bash-completion/completions/startgate"} <= set(names)
    assert [name for name in names if name.endswith((".pyc", ".key", ".pem"))] == []


@pytest.mark.slow
def test_the_sdist_holds_what_building_testing_and_documents_need(built: Path) -> None:
    with tarfile.open(built / f"startgate-{VERSION}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = (
        "Makefile",
        "pyproject.toml",
        "LICENSE",
        "mkdocs.yml",
        "docs/index.md",
        "tests/test_dist.py",
        "rules/start.yml",
    )
    assert set(needed) <= names
    assert {path.name for path in ROOT.glob("requirements*")} <= names
    assert [name for name in names if name.startswith(("build/", "dist/", "journal/", ".venv/"))] == []


@pytest.mark.slow
def test_a_file_that_differs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(("1700000000", "1700000002"))
    once = dist.build
    monkeypatch.setattr(dist, "build", lambda tree, into, time: once(tree, into, next(times)))
    assert [name.rpartition(".")[2] for name in dist.differences(ROOT, tmp_path)] == ["whl", "gz"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_wheel_runs_a_whole_start_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """From the lock, by hash; without the repository, its environment or its folder."""
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    # How packages are had (an index, a proxy) is the machine's; everything else is left behind.
    clean |= {
        name: value
        for name, value in os.environ.items()
        if name.lower().startswith(("pip_", "http", "ssl_", "requests_"))
    }
    if "HOME" in os.environ:
        clean["PIP_CACHE_DIR"] = os.environ.get("PIP_CACHE_DIR", f"{os.environ['HOME']}/.cache/pip")
        clean["HOME"] = os.environ["HOME"]

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            [str(one) for one in command], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "venv", "env")
    pip = (tmp_path / "env" / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", "--require-hashes", "--requirement", ROOT / "requirements-run.lock")
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    run(*pip, "check")
    program = tmp_path / "env" / "bin" / "startgate"
    assert run(program, "--version") == f"startgate {VERSION}\n"
    assert (tmp_path / "env" / "share" / "man" / "man1" / "startgate.1").is_file()
    told = run(program, "demo", "--once", "--port", "0", "--cluster-port", "0", "--admin-port", "0")
    assert "granted  200     anna" in told
    assert str(ROOT) not in told
