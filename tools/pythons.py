"""`python -m tools.pythons WORKERS [SUITE ...]`: the quick tests on other versions of Python than the one at hand.

Debian has one Python in each release, so each is tried in a small root of a release, made by debootstrap(8) under
`build/pythons` and kept there. Needs Linux, root and a mirror. The tests run on a clone of what is committed, with the
packages of the lock; the network, /proc and /dev are those of the machine.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOTS = ROOT / "build" / "pythons"
MIRROR = "http://deb.debian.org/debian"
# Which Python each has: 3.11, 3.13, and the newest. sid is another one each day.
SUITES = ("bookworm", "trixie", "sid")
# curl, openssl, man and systemd: their tests are left out where they are missing, and curl's fail.
PACKAGES = "python3,python3-venv,ca-certificates,git,make,curl,openssl,man-db,systemd,procps"
# What a root gets of the machine, as far as it is there: how names are resolved, whom to trust, where packages are.
GIVEN = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
TREE = "startgate"
TESTS = """\
set -e
for path in /proc /dev /dev/pts; do mount --bind $path "$1$path"; done
exec chroot "$1" /bin/sh -c '
set -e
cd /startgate
python3 -m venv .venv
.venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
.venv/bin/python -V
exec .venv/bin/python -m pytest -n "$1" --dist worksteal -m "not slow and not real" -q
' tests "$2"
"""


def program(name: str) -> str:
    """Where a program is. Raises SystemExit where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing: apt-get install debootstrap git mount util-linux")
    return found


def bootstrap(suite: str, root: Path) -> list[str]:
    """The command that makes the root of a release."""
    return [program("debootstrap"), "--variant=minbase", f"--include={PACKAGES}", suite, str(root), MIRROR]


def tests(root: Path, workers: str) -> list[str]:
    """The command that runs the quick tests in a root, in so many processes.

    What it mounts is seen by it alone and is gone when it ends, however it does: a root in which the machine's /dev
    were left could not be removed without harm.
    """
    alone = [program("unshare"), "--mount", "--propagation", "private"]
    return [*alone, "/bin/sh", "-c", TESTS, "tests", str(root), workers]


def make(suite: str) -> Path:
    """The root of a release, with what is committed here. One that was not finished is made anew."""
    root, whole = ROOTS / suite, ROOTS / f"{suite}.whole"
    if not whole.exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        subprocess.run(bootstrap(suite, root), check=True)
        whole.touch()
    for path in GIVEN:
        if Path(path).exists():
            shutil.copy(path, f"{root}{path}")
    shutil.rmtree(root / TREE, ignore_errors=True)
    subprocess.run([program("git"), "clone", "--quiet", str(ROOT), str(root / TREE)], check=True)
    return root


def main(workers: str, suites: tuple[str, ...]) -> int:
    """Try each release; 0 if the tests passed on all."""
    failed = [suite for suite in suites if subprocess.run(tests(make(suite), workers), check=False).returncode]
    if failed:
        print(f"failed on: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], tuple(sys.argv[2:]) or SUITES))
