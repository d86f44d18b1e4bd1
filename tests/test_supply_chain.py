"""What ships: locks are exact, licences may ship, the bill is whole, and what was not looked at is told."""

import json
import re
import subprocess
import sys
from email.message import Message
from importlib.metadata import PackageMetadata
from pathlib import Path
from typing import cast

import pytest

from tools.release import audit, licenses, locks, sbom
from tools.release.licenses import EXCEPTIONS, Licensed, fault, licence, licensed
from tools.release.lockfile import Locked, locked

ROOT = Path(__file__).parent.parent
RUN = ROOT / "requirements-run.lock"
DOCUMENT = (ROOT / "docs" / "supply-chain.md").read_text()


@pytest.mark.parametrize("name", list(locks.LOCKS))
def test_every_line_of_a_lock_is_exact_and_hashed(name: str) -> None:
    packages = locked(ROOT / name)
    assert packages
    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for package in packages for one in package.hashes)


def test_every_lock_has_its_recipe() -> None:
    assert {path.name for path in ROOT.glob("requirements*.lock")} == set(locks.LOCKS)


def test_an_installation_gets_what_was_tested() -> None:
    tested = {(one.name, one.version) for one in locked(ROOT / "requirements.lock")}
    assert {(one.name, one.version) for one in locked(RUN)} <= tested


@pytest.mark.parametrize("line", ["a>=1 --hash=sha256:00", "a==1", "git+https://example.org/a --hash=sha256:00"])
def test_a_line_that_is_not_exact_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "lock").write_text(line + "\n")
    with pytest.raises(ValueError, match="not an exact version"):
        locked(tmp_path / "lock")


def test_lines_of_a_lock_are_read(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(
        "a[x]==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via b\n"
    )
    assert locked(tmp_path / "lock") == [Locked("a", "1.0", "sys_platform == 'win32'", ("aa", "bb"))]


def test_all_licences_may_ship() -> None:
    packages = [one for one in licensed(RUN) if one.here]
    assert len(packages) > 20
    assert [text for one in packages if (text := fault(one))] == []


def test_exceptions_are_needed_and_told() -> None:
    shipped = {one.name: one.licence for one in licensed(RUN)}
    for name, (expression, reason) in EXCEPTIONS.items():
        assert shipped.get(name) == expression, f"{name} needs no exception any more"
        assert f"| `{name}` | {expression} | {reason} |" in DOCUMENT


@pytest.mark.parametrize(
    ("expression", "may"),
    [
        ("MIT", True),
        ("Apache-2.0 AND MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("(Apache-2.0 OR BSD-3-Clause)", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-only", False),
        ("MPL-2.0", False),
        ("Elastic-2.0", False),
        (None, False),
    ],
)
def test_which_licences_may_ship(expression: str | None, may: bool) -> None:
    assert (fault(Licensed("x", "1", expression)) is None) is may


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"License-Expression": "MIT"}, "MIT"),
        ({"Classifier": "License :: OSI Approved :: Apache Software License"}, "Apache-2.0"),
        ({"License": "BSD-3-Clause"}, "BSD-3-Clause"),
        ({"License": "Ask my lawyer"}, None),
        ({}, None),
    ],
)
def test_where_a_package_says_its_licence(headers: dict[str, str], wanted: str | None) -> None:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    assert licence(cast(PackageMetadata, message)) == wanted


def test_a_package_with_a_known_hole_is_a_failure() -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["1.1"]}
    report = {
        "dependencies": [{"name": "a", "version": "1", "vulns": [hole]}, {"name": "b", "version": "1", "vulns": []}]
    }
    assert audit.judged(report) == (audit.AFFECTED, ["a 1: PYSEC-1, mended in 1.1"])


def test_what_was_not_looked_at_is_not_sound() -> None:
    sound = {"name": "b", "version": "1", "vulns": []}
    assert audit.judged({"dependencies": [sound]})[0] == audit.SOUND
    assert audit.judged({"dependencies": [{"name": "a", "skip_reason": "not found"}, sound]})[0] == audit.UNKNOWN
    assert audit.judged({"dependencies": []})[0] == audit.UNKNOWN


def test_a_service_that_cannot_be_asked_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('connection refused')\n")
    tool.chmod(0o700)
    assert audit.main(tool, RUN) == audit.UNKNOWN
    assert "could not be asked for: connection refused" in capsys.readouterr().out


def test_the_bill_holds_every_package_and_the_files_of_others(tmp_path: Path) -> None:
    """The tool that reads the lock is `make sbom`'s; here stands what it prints for one package."""
    document = {"components": [{"name": "click", "version": "8", "purl": "pkg:pypi/click@8"}]}
    bill = sbom.bill(document, RUN)
    by_name = {one["name"]: one for one in bill["components"]}
    assert by_name["click"]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert by_name["uPlot"]["purl"] == "pkg:npm/uplot@1.6.32"
    assert {one["name"].rpartition("/")[2] for one in by_name["uPlot"]["components"]} >= {"LICENSE"}
    assert json.loads(json.dumps(bill)) == bill


def test_vendored_folders_are_under_the_licence_that_the_bill_says() -> None:
    for folder in sbom.VENDORED.iterdir():
        if folder.is_dir():
            assert "MIT" in (folder / "LICENSE").read_text()


def test_make_runs_what_the_document_names() -> None:
    told = set(re.findall(r"^    make ([a-z-]+)$", DOCUMENT, flags=re.MULTILINE))
    assert told == {"lock-check", "licenses", "sbom", "audit", "dist"}
    for target in told:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)


def test_the_list_of_licences_is_one_of_permissive_ones() -> None:
    assert not [one for one in licenses.ALLOWED if re.search(r"GPL|MPL|EPL|CDDL|SSPL|Elastic|BUSL", one)]
