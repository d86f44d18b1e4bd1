"""`python -m tools.release.dist DIR`: wheel and sdist of this tree, which come out the same when made again.

The second build is made as somebody else would make it: in another folder, from the unpacked sdist. So the sdist
holds all that a wheel needs, and whoever has it can check the wheel that was published.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def epoch(root: Path) -> str:
    """The time that is written into archives: the environment's, the last commit's, or the earliest that zip has."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    git = shutil.which("git")
    if git is not None and (root / ".git").exists():
        return subprocess.run(
            [git, "log", "-1", "--format=%ct"], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()
    return "315532800"


def build(tree: Path, into: Path, time: str) -> list[Path]:
    """Wheel and sdist of a tree, with the builder of this environment. Raises CalledProcessError."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(into.absolute())]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": time}
    subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, check=True)
    return sorted(path for path in into.iterdir() if path.suffix in {".whl", ".gz"})


def differences(tree: Path, into: Path) -> list[str]:
    """Build into a folder; the names of what differs when it is built again from the sdist."""
    time = epoch(tree)
    into.mkdir(parents=True, exist_ok=True)
    for old in [*into.glob("startgate-*.whl"), *into.glob("startgate-*.tar.gz")]:
        old.unlink()
    first = build(tree, into, time)
    with tempfile.TemporaryDirectory() as folder:
        (sdist,) = (path for path in first if path.suffix == ".gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        second = build(unpacked, Path(folder) / "again", time)
        names = {path.name for path in [*first, *second]}
        return sorted(name for name in names if _bytes(into / name) != _bytes(Path(folder) / "again" / name))


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def main(into: Path) -> int:
    """Build, compare, and print the sums; 1 where something differs."""
    if faults := differences(ROOT, into):
        print("\n".join(f"{name} does not come out the same when it is built again" for name in faults))
        return 1
    for path in sorted([*into.glob("startgate-*.whl"), *into.glob("startgate-*.tar.gz")]):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
