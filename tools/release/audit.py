"""`python -m tools.release.audit PIP-AUDIT LOCK`: no package of a lock has a known hole.

pip-audit ends well when it could not look: a package that its service does not know is skipped. Here that is a failure,
with a status of its own, since what nobody looked at is not sound.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOUND, AFFECTED, UNKNOWN = 0, 1, 2


def judged(report: Mapping[str, Any]) -> tuple[int, list[str]]:
    """The exit status for a report of pip-audit, as decoded JSON, and the lines that tell why."""
    packages = report["dependencies"]
    affected = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version'}"
        for one in packages
        for hole in one.get("vulns", ())
    ]
    skipped = [f"{one['name']}: not looked at: {one['skip_reason']}" for one in packages if "skip_reason" in one]
    if affected:
        return AFFECTED, [*affected, *skipped]
    if skipped or not packages:
        return UNKNOWN, [*skipped, f"{len(skipped)} of {len(packages)} packages were not looked at"]
    return SOUND, [f"{len(packages)} packages, no known hole"]


def main(tool: Path, lock: Path) -> int:
    """Run pip-audit over the lock and print what came of it."""
    command = [str(tool), "--requirement", str(lock), "--require-hashes", "--disable-pip", "--format", "json"]
    run = subprocess.run([*command, "--vulnerability-service", "pypi"], capture_output=True, text=True, check=False)
    try:
        report = json.loads(run.stdout)
    except ValueError:
        last = (run.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"the advisories could not be asked for: {last}")
        return UNKNOWN
    status, lines = judged(report)
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
