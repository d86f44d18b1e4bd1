"""`python -m tests.fuzz run` (`make fuzz`) and `python -m tests.fuzz replay FILE`."""

import argparse
import asyncio
import logging
import sys
from collections import Counter
from pathlib import Path

from tests.fuzz.campaign import LIMITS
from tests.fuzz.case import from_text, tag_of
from tests.fuzz.drive import send
from tests.fuzz.judge import faults
from tests.fuzz.nightly import Plan, run_on
from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy
from tests.real.versions import VERSIONS, CannotRun


def main() -> int:
    """0 where nothing failed, 1 where something did, 2 where no node can run here."""
    options = _options()
    logging.disable(logging.CRITICAL)  # every refusal would be a line
    versions = options.version or [version.number for version in VERSIONS]
    try:
        if options.what == "replay":
            return max(_replay(options.file, number) for number in versions)
        return max([_run(options, number, at, len(versions)) for at, number in enumerate(versions)])
    except CannotRun as reason:
        print(f"no node can run here: {reason}", file=sys.stderr)
        return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--version", action="append", help="a release of Elasticsearch; all known ones if not given")
    parts = parser.add_subparsers(dest="what", required=True)
    run = parts.add_parser("run", help="send the inputs of a seed")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--inputs", type=int, default=200_000)
    run.add_argument("--seconds", type=float, default=3 * 3600.0, help="none is begun later; as long again to compare")
    run.add_argument("--keep", type=Path, help="a folder for the inputs that fail, to replay")
    again = parts.add_parser("replay", help="send one input that was printed or kept, and show all that is heard")
    again.add_argument("file", type=Path)
    return parser.parse_args()


def _run(options: argparse.Namespace, number: str, share: int, shares: int) -> int:
    plan = Plan(seed=options.seed, count=options.inputs, seconds=options.seconds)
    with RealNode.start(number) as node:
        run = run_on(node, plan, share, shares)
    print(f"Elasticsearch {number}, seed {options.seed}\n{run.report()}", flush=True)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        for failure in run.failures:
            name = f"{number}-{options.seed}-{failure.number}.txt"
            (options.keep / name).write_text("".join(f"# {what}\n" for what in failure.what) + failure.case.text())
    return 1 if run.failures else 0


def _replay(file: Path, number: str) -> int:
    case, tag = from_text(file.read_text()), tag_of(0)
    with RealNode.start(number) as node, DenyingProxy((node.url,), LIMITS) as proxy:
        outcome = asyncio.run(send(proxy.port, case.tagged(tag)))
        found = faults(case, tag, outcome, Counter())
        found += ["reach: the start handler was reached"] * bool(node.hits())
        direct = asyncio.run(send(node.port, case.tagged(tag_of(0, "d")), quiet_s=1.0))
        reached = "reached" if b"x-oracle: start" in direct.data.lower() else "not reached"
    shown = [f"Elasticsearch {number}", f"through the proxy: {outcome}", f"directly ({reached}): {direct}", *found]
    print("\n".join(shown), flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
