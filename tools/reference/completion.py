"""Scripts that let shells complete commands and options. They ask the program itself: they hold for every version."""

from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from proxy import cli
from tools.reference.tree import PROGRAM

# Where each shell looks for the script, below an installation's prefix.
SHELLS = {
    "bash": "share/bash-completion/completions/startgate",
    "zsh": "share/zsh/site-functions/_startgate",
    "fish": "share/fish/vendor_completions.d/startgate.fish",
}
_CLASSES: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


def completion(shell: str) -> str:
    """The script of a shell. Raises KeyError for one that is not in SHELLS."""
    complete = _CLASSES[shell](cli.main, {}, PROGRAM, "_STARTGATE_COMPLETE")
    # Not `source()`: that of bash runs the bash that is at hand, and looks at its version.
    return ShellComplete.source(complete).strip() + "\n"
