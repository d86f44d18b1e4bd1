"""Reading rule files: the only module of the package that touches a disk."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from proxy.errors import Fault, RulesError
from proxy.rules.compiled import Rules
from proxy.rules.schema import compile_rules
from proxy.rules.signed import unsigned
from proxy.rules.source import MAX_BYTES, Node, read

# A mounted ConfigMap keeps its files in a folder that this link points to, and swaps the link to change all at once.
_CONFIG_MAP_LINK = "..data"
# Files of cases lie beside the rules that they try (`startgate test`).
CASES_SUFFIX = "_test.yml"
_NO_KEYS: Mapping[str, str] = MappingProxyType({})


def load(path: Path, keys: Mapping[str, str] = _NO_KEYS) -> Rules:
    """The rules of a file, or of all `*.yml` of a folder (not below it; names that start with a dot, and files of
    cases, are left alone).

    `keys` are the public keys (PEM) by name that vouch for break-glass entries: without its key, an entry is a fault.

    Raises RulesError with every fault found in all files; then none of the rules must be used.
    """
    faults: list[Fault] = []
    roots: dict[str, Node] = {}
    for name, file in _files(path, faults).items():
        text = _text(name, file, faults)
        root, found = read(text, name) if text is not None else (None, ())
        faults.extend(found)
        if root is not None:
            roots[name] = root
    rules = None
    if roots:
        rules, found = compile_rules(roots, complete=not faults)
        faults.extend(found)
    if rules is not None:
        faults.extend(unsigned(rules.break_glass, keys))
    if rules is None or faults:
        raise RulesError(faults)
    return rules


def _files(path: Path, faults: list[Fault]) -> dict[str, Path]:
    # Shown name → where to read. The link is followed once, so that all files are of one generation.
    if path.is_file():
        return {str(path): path}
    if not path.is_dir():
        faults.append(Fault(str(path), "there is no such file or folder"))
        return {}
    link = path / _CONFIG_MAP_LINK
    folder = link.resolve() if link.is_dir() else path
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith(".") and not entry.is_dir())
    overlooked = "rule files end in .yml; this one would be overlooked: rename it"
    faults.extend(Fault(str(path / name), overlooked) for name in names if name.endswith(".yaml"))
    found = {str(path / name): folder / name for name in names if _holds_rules(name)}
    if not found and not faults:
        faults.append(Fault(str(path), "the folder holds no *.yml"))
    return found


def _holds_rules(name: str) -> bool:
    return name.endswith(".yml") and not name.endswith(CASES_SUFFIX)


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
