"""Where what was fetched or compiled is kept between runs: `.cache/elasticsearch`, or `$STARTGATE_REAL_CACHE`.

A finished folder appears under its name in one step, and one process makes it while others wait, so a run that was cut
off or a second run beside it never sees half a folder.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.real.versions import CannotRun

REPOSITORY = Path(__file__).resolve().parents[2]
# Downloads of some 70 MB on a slow line; a hang must still end within a CI run.
COMMAND_TIMEOUT_S = 600


def root() -> Path:
    """The cache folder, made if missing."""
    path = Path(os.environ.get("STARTGATE_REAL_CACHE") or REPOSITORY / ".cache" / "elasticsearch")
    path.mkdir(parents=True, exist_ok=True)
    return path


def folder(name: str, make: Callable[[Path], None]) -> Path:
    """The cached folder `name`; when it is missing, `make` fills an empty folder that then takes the name."""
    target = root() / name
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (root() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
        try:
            make(draft)
            draft.chmod(0o755)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target


def command(arguments: Sequence[str | Path], what: str) -> str:
    """Runs a command and returns what it printed; raises CannotRun with `what` and the output's end when it fails."""
    try:
        done = subprocess.run(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise CannotRun(f"{what}: {arguments[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise CannotRun(f"{what}: {arguments[0]} took longer than {COMMAND_TIMEOUT_S} s") from None
    if done.returncode:
        raise CannotRun(f"{what}: {arguments[0]} ended with {done.returncode}: {done.stdout[-600:].strip()}")
    return done.stdout
