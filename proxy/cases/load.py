"""Reading files of cases: the only module of the package that touches a disk."""

from pathlib import Path

from proxy.cases.model import CaseFile
from proxy.cases.read import cases_of
from proxy.errors import Fault, RulesError
from proxy.rules import CASES_SUFFIX
from proxy.rules.source import MAX_BYTES


def found_in(place: Path) -> tuple[Path, ...]:
    """The files of cases at a place: the file itself, or all `*_test.yml` in a folder and below, in order of name.

    Hidden folders are left alone: a mounted ConfigMap keeps its generations in them.
    """
    if place.is_file():
        return (place,)
    files = (path for path in place.rglob(f"*{CASES_SUFFIX}") if path.is_file())
    return tuple(sorted(path for path in files if not _hidden(path.relative_to(place))))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def load_cases(path: Path) -> CaseFile:
    """The cases of one file. Raises RulesError with every fault in it."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise RulesError([Fault(str(path), f"larger than {MAX_BYTES:,} bytes: make several files of it")])
        text = raw.decode("utf-8-sig")
    except OSError as failure:
        raise RulesError([Fault(str(path), f"cannot be read: {failure.strerror}")]) from failure
    except UnicodeDecodeError as failure:
        raise RulesError([Fault(str(path), f"not UTF-8 (byte 0x{failure.object[failure.start]:02x})")]) from failure
    found, faults = cases_of(text, str(path))
    if found is None:
        raise RulesError(faults)
    return found


def rules_of(file: CaseFile) -> Path:
    """The rules that a file of cases is about: those in its own folder, unless it names others."""
    folder = Path(file.path).parent
    return folder if file.rules is None else folder / file.rules
