"""`python -m tools.release.licenses LOCK`: every package of a lock is under a licence that may ship.

A package says its licence as an SPDX expression, or else by a classifier, or else by a text; the last two are
translated by a table here. What is not in the tables fails: a person looks at it, and adds it, or does without it.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

from tools.release.lockfile import locked

# Permissive: use, change and passing on are free, and only a notice has to stay.
ALLOWED = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "MIT", "MIT-0", "PSF-2.0", "Unlicense"}
)
# Package → licence that is not in the list, and why it may ship all the same.
EXCEPTIONS: Mapping[str, tuple[str, str]] = {
    "certifi": ("MPL-2.0", "a file of certificates: used unchanged, its terms end at its own files"),
}
# What packages write where they have no SPDX expression.
SPELLINGS: Mapping[str, str] = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
_CLASSIFIER = "License :: OSI Approved :: "


@dataclass(frozen=True, slots=True)
class Licensed:
    """A package and its licence as an SPDX expression; None where it is not known. `here`: it is installed."""

    name: str
    version: str
    licence: str | None
    here: bool = True


def licence(told: PackageMetadata) -> str | None:
    """The SPDX expression of a package's metadata, None where nothing says one."""
    if "License-Expression" in told:
        return told["License-Expression"]
    classifiers = [one.removeprefix(_CLASSIFIER) for one in told.get_all("Classifier") or () if _CLASSIFIER in one]
    written = [*classifiers, told["License"].strip() if "License" in told else ""]
    known = [SPELLINGS.get(one, one if one in ALLOWED else None) for one in written]
    return next((one for one in known if one), None)


def licensed(lock: Path) -> Iterator[Licensed]:
    """Each package of a lock with the licence that its installed copy tells."""
    for one in locked(lock):
        try:
            told = metadata(one.name)
        except PackageNotFoundError:
            yield Licensed(one.name, one.version, None, here=False)
        else:
            yield Licensed(one.name, one.version, licence(told))


def fault(one: Licensed) -> str | None:
    """Why a package may not ship, None where it may."""
    if one.licence is None:
        return f"{one.name} {one.version}: no licence is known"
    if EXCEPTIONS.get(one.name, ("", ""))[0] == one.licence:
        return None
    # Of `A OR B` one is enough; of `A AND B` each must be allowed. Nothing of what ships nests the two.
    if any(
        all(_allowed(part) for part in re.split(r"\s+AND\s+", choice)) for choice in re.split(r"\s+OR\s+", one.licence)
    ):
        return None
    return f"{one.name} {one.version}: {one.licence} is not in the list of licences that may ship"


def _allowed(identifier: str) -> bool:
    return identifier.strip("() ") in ALLOWED


def main(lock: Path) -> int:
    """Print every package with its licence; 1 where one may not ship."""
    packages = list(licensed(lock))
    # A package of another platform is not at hand here. The same lock is looked at where it is.
    here = [one for one in packages if one.here]
    for one in here:
        print(f"{one.name:<32}{one.version:<16}{one.licence}")
    for one in packages:
        if not one.here:
            print(f"{one.name:<32}{one.version:<16}not for this platform")
    faults = [text for one in here if (text := fault(one))]
    print("\n".join(faults) or f"{len(here)} packages, all licences may ship")
    return 1 if faults or not here else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
