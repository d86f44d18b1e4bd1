"""`python -m tests.browser.prefetch`: fetches, ahead of the tests, what they need of the network."""

import sys

from tests.browser import chromium
from tests.real.versions import CannotRun


def main() -> int:
    """1 where something cannot be had."""
    try:
        source = chromium.axe()
        print(f"The page: axe-core ({len(source) // 1024} KiB) for {chromium.program()}")
    except CannotRun as reason:
        print(f"The page: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
