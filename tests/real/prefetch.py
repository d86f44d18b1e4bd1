"""`python -m tests.real.prefetch`: fetches and compiles, ahead of the tests, everything that needs the network."""

import sys
import time

from tests.real import jars, java
from tests.real.versions import CannotRun, selected


def main() -> int:
    """Prepares every selected release; 1 when one of them cannot run here."""
    failed = False
    for version in selected():
        began = time.monotonic()
        try:
            jars.jars(version)
            jars.launcher(version)
            jars.oracle(version)
            if version.major >= 8:
                jars.privileges(version)
                jars.security(version)
            else:
                jars.reindex(version)
            runtime = java.runtime(*version.java)
        except CannotRun as reason:
            failed = True
            print(f"Elasticsearch {version.number}: {reason}", file=sys.stderr)
            continue
        print(f"Elasticsearch {version.number}: ready on {runtime} ({time.monotonic() - began:.1f} s)")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
