"""The commands in the documents, as they stand there: found in blocks, made to fit a folder of a test, and run.

A command is a line of a block that begins with the name of a program, or with `$ `. What it prints, or what it is for,
may follow on the line after two blanks. Nothing is copied into tests: what a reader would type is what runs.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "bench" / "README.md"])

_SHELL = (
    "git|make|pip|python|startgate|curl|openssl|install|printf|cat|sudo|apt-get|man|eval|docker|kubectl|helm|systemctl"
)
_SHELL += "|systemd-analyze|journalctl|apparmor_parser|chown|chmod|cp|mv|mkdir|sysctl|podman|semanage|restorecon"
_COMMAND = re.compile(rf"(?:\$ |(?=(?:[A-Z_]+=\S+ )*(?:{_SHELL}) ))")


@dataclass(frozen=True, slots=True)
class Told:
    """A command as a document has it, with the line that it begins on."""

    document: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Left:
    """Commands that are not run as they stand, and why; where something else runs them, it is named."""

    pattern: str
    why: str


LEFT = (
    Left(r"git clone ", "the tree that is tested is the clone"),
    Left(
        r"(STARTGATE_\w+=\S+ )?make ",
        "a target may take an hour: that it exists is tested, and CI runs those of a change",
    ),
    Left(r"(pip|.*-m pip) install ", "tests/test_dist.py installs into an empty environment, from the lock"),
    Left(r"python -m bench", "a benchmark takes minutes: that the module exists is tested"),
    Left(r"(sudo )?apt-get ", "changes the system"),
    Left(r"(sudo )?(docker|podman) ", "needs a container engine: tests/deploy runs the steps as plain processes"),
    Left(
        r".*(\| )?(kubectl|helm) ", "needs a Kubernetes cluster: tests/deploy and tests/fronts look at what is applied"
    ),
    Left(
        r"(sudo )?(systemctl|journalctl|systemd-analyze|systemd-\w+) ", "needs systemd: tests/deploy looks at the unit"
    ),
    Left(r"(sudo )?(apparmor_parser|semanage|restorecon|sysctl|chown|aa-\w+) ", "changes the system"),
    Left(r"openssl s_client ", "needs a node with TLS at an address of yours; tests/test_tls.py has one"),
    Left(r"startgate serve$", "stays up: tests/test_doc_commands.py serves, and stops it"),
    Left(r"curl .*kibana\.example", "needs Kibana; tests/commands/test_dashboard.py looks at the file"),
    Left(
        r"startgate audit ship --(install|once|check)",
        "the cluster of the demo has no data streams; tests/test_shipping_end_to_end.py and tests/real ship",
    ),
    Left(r"startgate serve --takeover", "tests/test_handover.py takes over"),
    Left(r"startgate demo$", "stays up; tests/demo walks it"),
    Left(r"startgate embedded", "stays up; it is the cluster of these very tests"),
    Left(r"startgate init", "tests/commands/test_init.py makes it and serves with it"),
    Left(r"startgate doctor", "looks at the machine that it runs on; tests/doctor gives it each fault"),
    Left(r"man ", "tests/test_reference.py has man read the page"),
    Left(r"(eval )?.*_STARTGATE_COMPLETE=", "for a shell that somebody types in; tests/test_reference.py completes"),
)


def left(text: str) -> Left | None:
    """Why a command is not run as it stands; None where it is."""
    return next((one for one in LEFT if re.match(one.pattern, text, flags=re.DOTALL)), None)


def told(document: Path) -> Iterator[Told]:
    """Every command of a document, in its order. A command goes on behind `\\` at a line's end, and in open quotes."""
    lines = list(_in_blocks(document.read_text()))
    while lines:
        number, line = lines.pop(0)
        # A block within a list is further in.
        line = line.lstrip()
        found = _COMMAND.match(line)
        if found is None:
            continue
        text = line[found.end() :]
        while lines and (text.endswith("\\") or _is_open(text)):
            text = f"{text}\n{lines.pop(0)[1]}"
        yield Told(document, number, _without_remark(text))


def _in_blocks(text: str) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line
        elif line.startswith("    "):
            yield number, line[4:]


def _is_open(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return True
    return False


def _without_remark(text: str) -> str:
    if "\n" in text:
        return text
    # Two blanks part a command from what is said of it; before `>` and `|` they only line commands up.
    return re.split(r"\s{2,}(?![>|\s])", text)[0].strip()


def fitted(text: str, places: Mapping[str, str]) -> str:
    """A command with a reader's own addresses, names and passwords replaced by those of a test."""
    for pattern, replacement in places.items():
        text = re.sub(pattern, replacement, text)
    return text
