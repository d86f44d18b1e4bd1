"""Which keys and values rule files may hold, and what they compile to."""

from collections.abc import Mapping

from proxy.errors import Fault, nearest
from proxy.rules.compiled import Authority, CreateAs, OnRefusedStart, Origin, Rules, SubjectKind, Trusted
from proxy.rules.overrides import overrides
from proxy.rules.requirements import requirements
from proxy.rules.source import Entry, Listing, Mark, Node, Scalar, ScalarKind, Table
from proxy.rules.values import Values, listed

SECTION = "start_data_frame_analytics"
_FILE_KEYS = ("version", SECTION)
_SECTION_KEYS = ("require", "authority", "subjects", "trusted_intermediaries", "destination")

# Names that need no realm beside them, with the realm (name and type) that the cluster itself keeps them in. Any other
# name may be held by a user of several realms.
_BUILT_IN = {"kibana_system": "reserved", "elastic/kibana": "_service_account"}


def compile_rules(roots: Mapping[str, Node], *, complete: bool = True) -> tuple[Rules | None, tuple[Fault, ...]]:
    """The rules that all files (name → root) make together, or all that is wrong with them.

    `complete=False` says that some file could not be read: then nothing is said to be missing from all of them.
    """
    values = Values()
    sections = [entry for name, root in roots.items() for entry in _sections(values, name, root)]
    for extra in sections[1:]:
        first = f"{sections[0].mark.file}:{sections[0].mark.line}"
        values.note(extra.mark, f"`{SECTION}` is there more than once; the first is in {first}")
    if not sections:
        if complete:
            message = f"no rule file has `{SECTION}`: nothing says what a start requires"
            values.faults.append(Fault(next(iter(roots)), message, 1, 1))
        return None, tuple(values.faults)
    rules = _section(values, sections[0], tuple(roots))
    return (None if values.faults else rules), tuple(values.faults)


def _sections(values: Values, name: str, root: Node) -> list[Entry]:
    if not isinstance(root, Table):
        values.note(root.mark, f"a rule file is a mapping with the keys {listed(_FILE_KEYS)}")
        return []
    entries = values.known(root, "", _FILE_KEYS)
    version = entries.get("version")
    if version is None:
        values.faults.append(Fault(name, "`version` is missing; this version of Startgate reads `version: 1`", 1, 1))
    elif not _is_one(version.value):
        values.note(version.value.mark, "`version` must be the number 1")
    return [entries[SECTION]] if SECTION in entries else []


def _is_one(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind is ScalarKind.INT and node.text == "1"


def _section(values: Values, section: Entry, files: tuple[str, ...]) -> Rules | None:
    if not isinstance(section.value, Table):
        values.table(section, _SECTION_KEYS)
        return None
    keys = values.table(section, _SECTION_KEYS)
    required = requirements(values, section, keys.get("require"))
    destination = values.table(keys.get("destination"), ("create_as", "on_refused_start", "settings"))
    return Rules(
        files=files,
        cluster=required["cluster"],
        source=required["source"],
        destination=required["destination"],
        authority=values.choice(keys.get("authority"), Authority.CLUSTER),
        subjects=_subjects(values, keys.get("subjects")),
        trusted=_trusted(values, keys.get("trusted_intermediaries"), section.mark),
        create_as=values.choice(destination.get("create_as"), CreateAs.AUTO),
        on_refused_start=values.choice(destination.get("on_refused_start"), OnRefusedStart.REMOVE),
        overrides=overrides(values, destination.get("settings")),
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
    if entry.value == Listing(mark=entry.value.mark, items=()):
        values.note(entry.value.mark, "`subjects` is empty, so nobody would be asked for index privileges")
    return tuple(sorted(found))


def _trusted(values: Values, entry: Entry | None, mark: Mark) -> tuple[Trusted, ...]:
    if entry is None:
        origin = Origin(mark.file, mark.line)
        return tuple(Trusted(name, realm, origin, realm) for name, realm in _BUILT_IN.items())
    found: dict[tuple[str, str], Trusted] = {}
    for item in values.items(entry):
        trusted = _with_realm(values, item) if isinstance(item, Table) else _by_name(values, item, entry.key)
        if trusted is None:
            continue
        key = (trusted.username, trusted.realm)
        if key in found:
            values.note(item.mark, f"`{trusted.username}` of the realm `{trusted.realm}` is there twice")
        found[key] = trusted
    return tuple(found.values())


def _with_realm(values: Values, table: Table) -> Trusted | None:
    keys = values.known(table, "trusted_intermediaries", ("username", "realm"))
    texts: dict[str, str] = {}
    for key in ("username", "realm"):
        if key not in keys:
            values.note(table.mark, f"`{key}` is missing: an intermediary is trusted by user name and realm")
            continue
        scalar = values.text(keys[key].value, key)
        if scalar is not None:
            texts[key] = scalar.text
    if len(texts) < 2:
        return None
    return Trusted(texts["username"], texts["realm"], Origin(table.mark.file, table.mark.line))


def _by_name(values: Values, item: Node, key: str) -> Trusted | None:
    scalar = values.text(item, key)
    if scalar is None:
        return None
    realm = _BUILT_IN.get(scalar.text)
    if realm is not None:
        return Trusted(scalar.text, realm, Origin(scalar.mark.file, scalar.mark.line), realm)
    values.note(
        scalar.mark,
        f"`{scalar.text}` needs its realm beside it, as users of that name may be in several realms: "
        f"{{username: {scalar.text}, realm: …}}{nearest(scalar.text, _BUILT_IN)}; by name alone: {listed(_BUILT_IN)}",
    )
    return None
