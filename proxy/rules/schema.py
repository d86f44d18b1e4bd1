"""Which keys and values rule files may hold, and what they compile to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from proxy.errors import Fault
from proxy.rules.break_glass import break_glass
from proxy.rules.compiled import Authority, CreateAs, DefinedRole, OnRefusedStart, Rules, SubjectKind
from proxy.rules.flows import flows
from proxy.rules.guards import guards
from proxy.rules.language import DESTINATION, FILE, SECTION, START
from proxy.rules.mappings import check_use, role_mappings
from proxy.rules.overrides import overrides
from proxy.rules.requirements import requirements
from proxy.rules.seal import check_seal
from proxy.rules.source import Entry, Mark, Node, Scalar, ScalarKind, Table
from proxy.rules.trusted import trusted
from proxy.rules.values import Values, listed

# What may be in several files, or several times in none: the lists of all files make one. Everything else is said once.
_ADDED_UP = frozenset({"flows", "guards", "roles", "role_mappings", "break_glass"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFiles:
    """The role files that rules name: `names` as they are written, and all roles in them.

    `complete` says that every one of them could be read.
    """

    names: tuple[str, ...] = ()
    roles: Mapping[str, DefinedRole] = field(default_factory=lambda: MappingProxyType({}))
    complete: bool = True


def compile_rules(
    roots: Mapping[str, Node], *, complete: bool = True, role_files: RoleFiles | None = None, draft: bool = False
) -> tuple[Rules | None, tuple[Fault, ...]]:
    """The rules that all files (name → root) make together, or all that is wrong with them.

    `complete=False` says that some file could not be read: then nothing is said to be missing from all of them. A
    `draft` need not be sealed.
    """
    values = Values()
    parts = _Parts(values)
    versions = [parts.file(name, root) for name, root in roots.items()]
    if parts.section is None:
        if complete:
            message = f"no rule file has `{SECTION}`: nothing says what a start requires"
            values.faults.append(Fault(next(iter(roots)), message, 1, 1))
        return None, tuple(values.faults)
    rules = _rules(values, parts, tuple(roots), role_files or RoleFiles())
    if not values.faults and complete and not draft:
        mark = next((mark for mark in versions if mark and mark.file == parts.section.mark.file), parts.section.mark)
        check_seal(values, rules, parts.lists["seal"], mark)
    return (None if values.faults else rules), tuple(values.faults)


class _Parts:
    """The entries of all files by key; what is said twice, and must not be, is noted."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self.section: Entry | None = None
        self.lists: dict[str, list[Entry]] = {key: [] for key in (*FILE, *START)}

    def file(self, name: str, root: Node) -> Mark | None:
        """Take the entries of a file. The answer is where its version stands."""
        if not isinstance(root, Table):
            self._values.note(root.mark, f"a rule file is a mapping with the keys {listed(FILE)}")
            return None
        entries = self._values.known(root, FILE)
        version = entries.pop("version", None)
        if version is None:
            self._values.faults.append(Fault(name, FILE.keys["version"].missing.format("version"), 1, 1))
        elif not _is_one(version.value):
            self._values.note(version.value.mark, "`version` must be the number 1")
        section = entries.pop(SECTION, None)
        self._add(entries.values())
        if section is not None:
            self.section = self.section or section
            self._add(self._values.table(section, START).values())
        return None if version is None else version.mark

    def one(self, key: str) -> Entry | None:
        """The entry of a key that is said once; None where it is not."""
        return next(iter(self.lists[key]), None)

    def _add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            known = self.lists[entry.key]
            if known and entry.key not in _ADDED_UP:
                first = f"{known[0].mark.file}:{known[0].mark.line}"
                self._values.note(entry.mark, f"`{entry.key}` is there more than once; the first is in {first}")
            known.append(entry)


def _is_one(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind is ScalarKind.INT and node.text == "1"


def _rules(values: Values, parts: _Parts, files: tuple[str, ...], role_files: RoleFiles) -> Rules:
    assert parts.section is not None  # noqa: S101 - `compile_rules` has looked; mypy cannot see it
    section = parts.section
    authority = values.choice(parts.one("authority"), Authority.CLUSTER)
    place = (parts.one("authority") or section).value.mark
    check_use(values, authority, place, parts.lists["roles"], parts.lists["role_mappings"])
    for entry in parts.lists["roles"]:
        values.texts(entry)
    required = requirements(values, section, parts.one("require"))
    destination = values.table(parts.one("destination"), DESTINATION)
    return Rules(
        files=files,
        cluster=required["cluster"],
        source=required["source"],
        destination=required["destination"],
        authority=authority,
        subjects=_subjects(values, parts.one("subjects")),
        trusted=trusted(values, parts.one("trusted_intermediaries"), section.mark),
        create_as=values.choice(destination.get("create_as"), CreateAs.AUTO),
        on_refused_start=values.choice(destination.get("on_refused_start"), OnRefusedStart.REMOVE),
        overrides=overrides(values, destination.get("settings")),
        flows=flows(values, parts.lists["flows"]),
        guards=guards(values, parts.lists["guards"]),
        roles=role_files.roles,
        role_files=role_files.names,
        role_mappings=role_mappings(
            values, parts.lists["role_mappings"], role_files.roles, complete=role_files.complete
        ),
        break_glass=break_glass(values, parts.lists["break_glass"]),
    )


def _subjects(values: Values, entry: Entry | None) -> tuple[SubjectKind, ...]:
    if entry is None:
        return (SubjectKind.DATA,)
    found: list[SubjectKind] = []
    for scalar in values.texts(entry):
        kind = values.one_of(scalar, SubjectKind, entry.key)
        if kind in found:
            values.note(scalar.mark, f"`{scalar.text}` is there twice")
        elif kind is not None:
            found.append(kind)
    if not found and not values.faults:
        values.note(entry.value.mark, "`subjects` is empty, so nobody would be asked for index privileges")
    return tuple(sorted(found))
