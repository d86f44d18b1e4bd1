"""Reading rule files: the only module of the package that touches a disk."""

from pathlib import Path

from proxy.rules.compiled import Rules


def load(path: Path) -> Rules:
    """The rules of a file, or of all `*.yml` of a folder. Raises RulesError with every fault found."""
    raise NotImplementedError
