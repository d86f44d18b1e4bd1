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

_SHELL = "git|make|pip|python3?|source|startgate|curl|openssl|install|printf|cat|sudo|apt-get|man|eval|docker|kubectl"
_SHELL += "|helm|systemctl|systemd-analyze|journalctl|apparmor_parser|chown|chmod|cp|mv|mkdir|sed|sysctl|podman"
_SHELL += "|semanage|restorecon"
_COMMAND = re.compile(rf"(?:\$ |(?=(?:[A-Z_]+=\S+ )*(?:{_SHELL}) ))")


@dataclass(frozen=True, slots=True)
class Told:
    """A command as a document has it, with the line that it begins on."""

    document: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}: {self.text}"


CLEAN_MACHINE = "tests/test_clean_machine.py"


@dataclass(frozen=True, slots=True)
class Left:
    """Commands that tests/test_doc_commands.py does not run, why, and the file that runs them, or their steps, instead.

    `shown` stands in that file if it does. `by` is None where nothing runs them.
    """

    pattern: str
    why: str
    by: str | None = None
    shown: str = ""


_BENCH = "python -m bench[.]"
_FEW = "minutes long; run with small numbers"
LEFT = (
    # CI runs these as they stand.
    Left(r"pip install --require-hashes -r requirements-bench\.lock", "a benchmark's", ".ci/run", "-bench.lock"),
    Left(r"make (style|types)$", "CI's", ".ci/run", "make style types"),
    Left(r"make (docs|licenses)$", "CI's", ".ci/run", "make docs licenses"),
    Left(r"make cover$", "CI's", ".ci/run", "make cover"),
    Left(r"make test$", "CI's", ".ci/run", "make test"),
    # So does a machine that is made for it.
    Left(r"apt-get install ", "changes the machine", CLEAN_MACHINE, "apt-get"),
    Left(r"pip install ", "changes the machine", CLEAN_MACHINE, "pip install"),
    Left(r"make (demo|setup|test-fast)$", "changes the machine; the README begins with it", CLEAN_MACHINE, "make demo"),
    # These are long, or need what is not here: the same steps with small numbers, or beside something smaller.
    Left(r"make bench$", "an hour long; it runs each benchmark", "tests/test_bench.py", "bench.wire"),
    Left(
        rf"{_BENCH}(start|capacity|plan|rules|observe|journal|memory|wire)$", _FEW, "tests/test_bench.py", "bench.start"
    ),
    Left(rf"{_BENCH}(bulk|idle|latency|workers)$", _FEW, "tests/test_bench_bounds.py", "bench.bulk"),
    Left(r"make soak", "half an hour long", "tests/test_bench_bounds.py", "soak"),
    Left(r"make chaos", "an hour long", "tests/faults/test_chaos.py", "bench.chaos"),
    Left(r"make fuzz", "minutes long, on genuine nodes", "tests/real/test_fuzz.py", "tests.fuzz"),
    Left(r"make crash", "minutes long", "tests/faults/test_crashes_under_load.py", "STARTGATE_CRASHES"),
    Left(r"(STARTGATE_REAL_VERSIONS=\S+ )?make clients", "CI's, as tests", "tests/clients/test_go.py", "client"),
    Left(r"make reference", "writes what is compared", "tests/test_reference.py", "tools.reference"),
    Left(r"make pythons", "makes whole systems", "tests/test_pythons.py", "pythons.main"),
    Left(r"make dist", "writes into the tree", "tests/test_dist.py", "dist.differences"),
    Left(r"make (lock-check|sbom|audit)", "needs tools of its own", "tests/test_supply_chain.py", "import audit"),
    Left(r"docker compose ", "Podman's", "tests/deploy/test_containers_compose.py", "docker compose"),
    Left(r"docker ", "Podman's", "tests/deploy/test_containers.py", "docker run"),
    Left(r".*(\| )?(kubectl|helm) ", "needs a Kubernetes cluster", "tests/deploy/test_chart.py", "helm"),
    Left(r"(systemctl|journalctl|systemd-\w+) ", "needs a booted systemd", "tests/deploy/test_booted.py", "systemctl"),
    Left(r"apparmor_parser ", "needs AppArmor", "tests/deploy/test_documents.py", "apparmor_parser"),
    Left(r"(semanage|restorecon) ", "needs SELinux in the kernel"),
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
        # What is said of a command may have an apostrophe, and a text may have two blanks: neither opens it alone.
        while lines and (text.endswith("\\") or (_is_open(text) and _is_open(_without_remark(text)))):
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
        shlex.split(text, comments=True)
    except ValueError:
        return True
    return False


def _without_remark(text: str) -> str:
    if "\n" in text:
        return text
    # Two blanks, or `#`, part a command from what is said of it; before `>` and `|` they only line commands up.
    return re.split(r"\s{2,}(?![>|\s])|\s#\s", text)[0].strip()


def fitted(text: str, places: Mapping[str, str]) -> str:
    """A command with a reader's own addresses, names and passwords replaced by those of a test."""
    for pattern, replacement in places.items():
        text = re.sub(pattern, replacement, text)
    return text
