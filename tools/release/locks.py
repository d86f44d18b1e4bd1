"""`python -m tools.release.locks UV [--upgrade]`: write the locks, or see that what they hold comes out again.

Without `--upgrade` nothing newer is chosen: each lock is compiled from its own versions, into another file, and the two
must be the same bytes. What was changed by hand, or does not fit `pyproject.toml` any more, shows so.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_COMMON = ("--quiet", "--no-strip-extras", "--universal", "--python-version", "3.11")
_PLAIN = ("--generate-hashes", "--no-header", "--no-emit-index-url")
_WITHIN = ("--constraints", "requirements.lock")
# Lock → what it is compiled from. In this order: later ones stay within the versions of the first.
# Extras stay named: an older pip takes the newest of `coverage[toml]` where the lock names `coverage` alone, and fails.
LOCKS: dict[str, tuple[str, ...]] = {
    "requirements.lock": ("pyproject.toml", "--extra", "dev"),
    "requirements-run.lock": ("pyproject.toml", *_WITHIN),
    "requirements-build.lock": ("requirements-build.in", *_WITHIN),
    "requirements-bench.lock": ("requirements-bench.in",),
    "requirements-docs.lock": ("requirements-docs.in", *_WITHIN),
    "requirements-release.lock": ("requirements-release.in", *_WITHIN),
}


def compile_lock(uv: Path, lock: str, output: Path, *, upgrade: bool) -> None:
    """Compile one lock into `output`, whose versions are kept where it exists. Raises CalledProcessError."""
    more = ("--upgrade",) if upgrade else ()
    command = [str(uv.absolute()), "pip", "compile", *LOCKS[lock], *_COMMON, *more, *_PLAIN]
    subprocess.run([*command, "--output-file", str(output)], cwd=ROOT, check=True)


def differing(uv: Path) -> list[str]:
    """The locks that do not come out as they are."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for lock in LOCKS:
            again = Path(folder) / lock
            shutil.copy(ROOT / lock, again)
            compile_lock(uv, lock, again, upgrade=False)
            if again.read_bytes() != (ROOT / lock).read_bytes():
                found.append(lock)
    return found


def main(arguments: Sequence[str]) -> int:
    """Write all locks with `--upgrade`; else compare, and end with 1 where one differs."""
    uv = Path(arguments[0])
    if "--upgrade" in arguments:
        for lock in LOCKS:
            compile_lock(uv, lock, ROOT / lock, upgrade=True)
        return 0
    faults = differing(uv)
    print(
        "\n".join(f"{lock} does not come out as it is" for lock in faults) or f"{len(LOCKS)} locks come out as they are"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
