"""`python -m tools.release.sbom CYCLONEDX-PY LOCK OUTPUT`: the bill of materials of an installation, in CycloneDX 1.6.

cyclonedx-py reads the lock; licences are added from what is installed, and what the wheel holds of others' files. There
is no time and no random number in it: the same inputs give the same bytes.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.release.licenses import licensed

ROOT = Path(__file__).parent.parent.parent
VENDORED = ROOT / "proxy" / "admin" / "static" / "vendor"


def bill(document: dict[str, Any], lock: Path, vendored: Path = VENDORED) -> dict[str, Any]:
    """A bill of the lock's packages, completed: licences, and the folders `NAME-VERSION` of vendored files."""
    licences = {one.name: one.licence for one in licensed(lock)}
    for component in document["components"]:
        if expression := licences.get(component["name"]):
            component["licenses"] = [{"expression": expression}]
    document["components"] += [_vendored(folder) for folder in sorted(vendored.iterdir()) if folder.is_dir()]
    return document


def _vendored(folder: Path) -> dict[str, Any]:
    name, _, version = folder.name.rpartition("-")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "bom-ref": f"vendored-{folder.name}",
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:npm/{name.lower()}@{version}",
        "licenses": [{"expression": "MIT"}],
        "components": [
            {
                "type": "file",
                "name": path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name,
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
            }
            for path in files
        ],
    }


def main(tool: Path, lock: Path, output: Path) -> int:
    """Write the bill. Raises CalledProcessError where the lock cannot be read."""
    command = [
        str(tool),
        "requirements",
        str(lock),
        "--pyproject",
        str(ROOT / "pyproject.toml"),
        "--mc-type",
        "application",
    ]
    command += ["--output-reproducible", "--spec-version", "1.6", "--output-format", "JSON", "--output-file", "-"]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    document = bill(json.loads(run.stdout), lock)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    print(f"{output}: {len(document['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
