"""Which files are made from the code, and their texts."""

import tomllib
from pathlib import Path

from tools.reference.commands import commands_page
from tools.reference.completion import SHELLS, completion
from tools.reference.configuration import configuration_page
from tools.reference.manual import manual
from tools.reference.refusals import errors_page

ROOT = Path(__file__).parent.parent.parent


def version() -> str:
    """The version that `pyproject.toml` says."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def made() -> dict[str, str]:
    """The text of each file, by its path from the root of the repository."""
    return {
        "docs/reference/commands.md": commands_page(),
        "docs/reference/configuration.md": configuration_page(),
        "docs/reference/errors.md": errors_page(ROOT / "proxy"),
        "share/man/man1/startgate.1": manual(version()),
        **{path: completion(shell) for shell, path in SHELLS.items()},
    }
