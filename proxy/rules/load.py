"""Reading rule files: the only module of the package that touches a disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from proxy.errors import Fault, RulesError
from proxy.rules.compiled import DefinedRole, Rules
from proxy.rules.mappings import role_paths
from proxy.rules.role_files import read_roles
from proxy.rules.schema import RoleFiles, compile_rules
from proxy.rules.signed import unsigned
from proxy.rules.source import MAX_BYTES, Node, Scalar, read

# A mounted ConfigMap keeps its files in a folder that this link points to, and swaps the link to change all at once.
_CONFIG_MAP_LINK = "..data"
# Files of cases lie beside the rules that they try (`startgate test`).
CASES_SUFFIX = "_test.yml"
_NO_KEYS: Mapping[str, str] = MappingProxyType({})


def load(path: Path, keys: Mapping[str, str] = _NO_KEYS, *, draft: bool = False) -> Rules:
    """The rules of a file, or of all `*.yml` of a folder (not below it; names that start with a dot, files of cases,
    and files that the rules name as role files are left alone), with the role files that they name.

    `keys` are the public keys (PEM) by name that vouch for break-glass entries: without its key, an entry is a fault. A
    `draft` needs neither seal nor signatures: it may be tried, and must not be enforced.

    Raises RulesError with every fault found in all files; then none of the rules must be used.
    """
    faults: list[Fault] = []
    files = _files(path, faults)
    found = {name: _read(name, file) for name, file in files.items()}
    named = _named(found, files, faults)
    # Role files that lie beside the rules end in .yml, too.
    theirs = {_real(role.file) for role in named}
    kept = {name: read for name, read in found.items() if _real(files[name]) not in theirs}
    faults.extend(fault for _, wrong in kept.values() for fault in wrong)
    roots = {name: root for name, (root, _) in kept.items() if root is not None}
    rules = None
    if roots:
        before = len(faults)
        role_files = _role_files(named, faults)
        rules, more = compile_rules(roots, complete=not before, role_files=role_files, draft=draft)
        faults.extend(more)
    if rules is not None and not draft:
        faults.extend(unsigned(rules.break_glass, keys))
    if rules is None or faults:
        raise RulesError(faults)
    return rules


def rule_files(path: Path) -> Mapping[str, Path]:
    """The rule files of a path as `load` takes them, role files beside them included: name → where to read.

    Raises RulesError.
    """
    faults: list[Fault] = []
    found = _files(path, faults)
    if faults:
        raise RulesError(faults)
    return found


def _files(path: Path, faults: list[Fault]) -> dict[str, Path]:
    # Shown name → where to read. The link is followed once, so that all files are of one generation.
    if path.is_file():
        return {str(path): _folder(path.parent) / path.name}
    if not path.is_dir():
        faults.append(Fault(str(path), "there is no such file or folder"))
        return {}
    folder = _folder(path)
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith(".") and not entry.is_dir())
    overlooked = "rule files end in .yml; this one would be overlooked: rename it"
    faults.extend(Fault(str(path / name), overlooked) for name in names if name.endswith(".yaml"))
    found = {str(path / name): folder / name for name in names if _holds_rules(name)}
    if not found and not faults:
        faults.append(Fault(str(path), "the folder holds no *.yml"))
    return found


def _folder(path: Path) -> Path:
    link = path / _CONFIG_MAP_LINK
    return link.resolve() if link.is_dir() else path


def _holds_rules(name: str) -> bool:
    return name.endswith(".yml") and not name.endswith(CASES_SUFFIX)


def _read(name: str, file: Path) -> tuple[Node | None, tuple[Fault, ...]]:
    unread: list[Fault] = []
    text = _text(name, file, unread)
    return read(text, name) if text is not None else (None, tuple(unread))


@dataclass(frozen=True, slots=True)
class _RoleFile:
    """A role file: how the rules name it, how it is shown, and where it is read."""

    scalar: Scalar
    shown: str
    file: Path


def _named(
    found: Mapping[str, tuple[Node | None, tuple[Fault, ...]]], files: Mapping[str, Path], faults: list[Fault]
) -> list[_RoleFile]:
    named: list[_RoleFile] = []
    for name, (root, _) in found.items():
        for scalar in role_paths(root) if root is not None else ():
            written = Path(scalar.text)
            one = _RoleFile(scalar, str(Path(name).parent / written), files[name].parent / written)
            if ".." in written.parts or "\0" in scalar.text:
                faults.append(
                    scalar.mark.fault("a role file lies in the folder of the rules or below, or has an absolute path")
                )
            elif any(_real(one.file) == _real(other.file) for other in named):
                faults.append(scalar.mark.fault(f"the role file `{scalar.text}` is there twice"))
            else:
                named.append(one)
    # A rule file that were taken for a role file, such as its own, would be left out of the rules.
    namers = {_real(files[one.scalar.mark.file]) for one in named}
    faults.extend(
        one.scalar.mark.fault(f"`{one.scalar.text}` names role files itself, so it is a rule file and no role file")
        for one in named
        if _real(one.file) in namers
    )
    return [one for one in named if _real(one.file) not in namers]


def _real(file: Path) -> Path:
    return file.resolve()


def _role_files(named: list[_RoleFile], faults: list[Fault]) -> RoleFiles:
    before = len(faults)
    roles: dict[str, DefinedRole] = {}
    for one in named:
        unread: list[Fault] = []
        text = _text(one.shown, one.file, unread)
        # What has no place in the role file has that of its name in the rules.
        faults.extend(
            fault if fault.line else one.scalar.mark.fault(f"the role file {fault.where}: {fault.message}")
            for fault in unread
        )
        found, wrong = read_roles(text, one.shown) if text is not None else ({}, ())
        faults.extend(wrong)
        for name, role in found.items():
            if name in roles:
                message = f"the role `{name}` is defined in {roles[name].origin} already"
                faults.append(Fault(role.origin.file, message, role.origin.line, 1))
            roles.setdefault(name, role)
    names = tuple(one.scalar.text for one in named)
    return RoleFiles(names=names, roles=roles, complete=len(faults) == before)


def _text(name: str, file: Path, faults: list[Fault]) -> str | None:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        faults.append(Fault(name, f"cannot be read: {error.strerror}"))
        return None
    if len(raw) > MAX_BYTES:
        faults.append(Fault(name, f"larger than {MAX_BYTES:,} bytes, which is not a rule file"))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        faults.append(Fault(name, f"not UTF-8 (byte 0x{raw[error.start]:02x})", line, column))
        return None
