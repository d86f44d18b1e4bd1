"""`python -m tests.clients.prefetch`: installs, ahead of the tests, the clients that they try, so that trouble with the
network is named by itself."""

import sys
import time
from collections.abc import Callable
from functools import partial

from tests.clients import installed
from tests.clients.chosen import chosen
from tests.clients.suite import Client, lines_on
from tests.real.versions import CannotRun, selected

MAKERS: dict[str, Callable[[int], Client]] = {
    "python": partial(installed.python, kind="sync"),
    "javascript": installed.javascript,
    "go": installed.go,
    "java": installed.java,
    "rust": installed.rust,
}


def main() -> int:
    """Prepares each chosen language in the lines of the selected releases; 1 when one of them cannot be had."""
    failed = False
    lines = sorted({line for version in selected() for line in lines_on(version.major)})
    for language in chosen():
        began = time.monotonic()
        try:
            for line in lines:
                MAKERS[language](line)
        except CannotRun as reason:
            failed = True
            print(f"The {language} client: {reason}", file=sys.stderr)
            continue
        named = ", ".join(map(str, lines))
        print(f"The {language} client: lines {named} ready ({time.monotonic() - began:.1f} s)")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
