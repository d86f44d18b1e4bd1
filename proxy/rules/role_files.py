"""Role files in Elasticsearch's own `roles.yml` format (`FileRolesStore`, `RoleDescriptor.Parser`).

A file maps role names to role definitions. Elasticsearch skips a role that it cannot read and goes on with the rest, so
that a slip of the pen shows as a user who lacks something. Here the whole file is refused, with every fault and its
place. Refused as well is what Elasticsearch reads but nobody here can judge exactly: regular expressions that
`proxy.privileges.regex` does not support. So no role of a file that was read is undecidable for want of support.

What has no say over a start (applications, global privileges, other clusters) is held to its form alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from proxy.errors import Fault
from proxy.privileges import (
    RESERVED_ROLES,
    IndexGrant,
    Role,
    Undecidable,
    UnknownPrivilege,
    Version,
    require_cluster_privilege,
    require_index_privilege,
)
from proxy.privileges.patterns import language
from proxy.rules.compiled import DefinedRole, Origin
from proxy.rules.role_parts import field_security, is_null, query, true_or_false
from proxy.rules.source import MAX_BYTES, Entry, Listing, Node, Scalar, Table, read
from proxy.rules.values import Values, listed

# `Validation.Roles`: of a name and of a description, in characters.
MAX_NAME = 1024
MAX_DESCRIPTION = 1000

_ROLE_KEYS = (
    "cluster",
    "indices",
    "run_as",
    "applications",
    "global",
    "metadata",
    "transient_metadata",
    "remote_indices",
    "remote_cluster",
    "description",
)
_INDEX_KEYS = ("names", "privileges", "field_security", "query", "allow_restricted_indices")
# Lists of objects of which only the form counts: the members that each must have, which are texts or lists of texts.
_FORMS = {
    "applications": ("application", "privileges", "resources"),
    "remote_indices": ("clusters", "names", "privileges"),
    "remote_cluster": ("clusters", "privileges"),
}
_FREE = ("global", "metadata", "transient_metadata")


def read_roles(
    text: str, name: str, *, version: Version | None = None
) -> tuple[Mapping[str, DefinedRole], tuple[Fault, ...]]:
    """The roles of one file by name, and all that is wrong with it; where anything is, none of them must be used.

    `name` is what faults call the file. With `version` (major, minor) names of privileges that such a cluster lacks are
    faults as well. A file of comments alone holds no role.
    """
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        return {}, (Fault(name, f"larger than {MAX_BYTES} bytes"),)
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        return {}, ()
    root, faults = read(text, name)
    if root is None:
        return {}, faults
    reader = _Reader(version)
    roles = reader.roles(root)
    return roles, (*faults, *reader.values.faults)


class _Reader:
    """Reads the roles of one file; faults are noted in `values`."""

    def __init__(self, version: Version | None) -> None:
        self.values = Values()
        self._version = version

    def roles(self, root: Node) -> dict[str, DefinedRole]:
        """The roles of a whole file by name."""
        if not isinstance(root, Table):
            self.values.note(root.mark, "a role file is a mapping of role names to roles: `name: {cluster: […], …}`")
            return {}
        return {
            entry.key: DefinedRole(self._role(entry), Origin(entry.mark.file, entry.mark.line))
            for entry in root.entries
        }

    def _role(self, entry: Entry) -> Role:
        problem = _wrong_name(entry.key)
        if problem:
            self.values.note(entry.mark, problem)
        if not isinstance(entry.value, Table):
            self.values.note(entry.value.mark, f"`{entry.key}` must be a mapping with the keys {listed(_ROLE_KEYS)}")
            return Role(name=entry.key)
        keys = self._keys(entry.value)
        self._without_say(keys)
        return Role(
            name=entry.key,
            cluster=self._cluster(keys.get("cluster")),
            indices=self._grants(keys.get("indices")),
            run_as=self._patterns(self._texts(keys.get("run_as"))),
        )

    def _keys(self, table: Table) -> dict[str, Entry]:
        entries: list[Entry] = []
        for entry in table.entries:
            if entry.key == "restriction":
                # It takes rights away; Elasticsearch knows it for API keys alone and refuses such a role.
                self.values.note(entry.mark, "`restriction` is for API keys; a role file must not have it")
            else:
                entries.append(entry)
        return self.values.known(Table(mark=table.mark, entries=tuple(entries)), _ROLE_KEYS)

    def _cluster(self, entry: Entry | None) -> tuple[str, ...]:
        scalars = self._texts(entry)
        for scalar in scalars:
            try:
                require_cluster_privilege(scalar.text, version=self._version)
            except UnknownPrivilege as unknown:
                self.values.note(scalar.mark, str(unknown))
        return tuple(scalar.text for scalar in scalars)

    def _grants(self, entry: Entry | None) -> tuple[IndexGrant, ...]:
        return tuple(grant for item in self._objects(entry) if (grant := self._grant(item)) is not None)

    def _grant(self, item: Table) -> IndexGrant | None:
        keys = self.values.known(item, _INDEX_KEYS)
        if not self._has(item, keys, ("names", "privileges")):
            return None
        return IndexGrant(
            names=self._patterns(self._names(keys["names"])),
            privileges=self._index_privileges(keys["privileges"]),
            field_security=field_security(self.values, keys.get("field_security")),
            query=query(self.values, keys.get("query")),
            allow_restricted=true_or_false(self.values, keys.get("allow_restricted_indices")),
        )

    def _names(self, entry: Entry) -> Sequence[Scalar]:
        if isinstance(entry.value, Scalar):
            one = self.values.text(entry.value, entry.key)
            return () if one is None else (one,)
        if isinstance(entry.value, Listing) and not entry.value.items:
            self.values.note(entry.value.mark, "`names` is empty; name the indices that are meant")
        return self.values.texts(entry)

    def _index_privileges(self, entry: Entry) -> tuple[str, ...]:
        scalars = self.values.texts(entry)
        if isinstance(entry.value, Listing) and not entry.value.items:
            self.values.note(entry.value.mark, "`privileges` is empty; name what is granted, or leave the entry out")
        for scalar in scalars:
            try:
                require_index_privilege(scalar.text, version=self._version)
            except UnknownPrivilege as unknown:
                self.values.note(scalar.mark, str(unknown))
        return tuple(scalar.text for scalar in scalars)

    def _patterns(self, scalars: Iterable[Scalar]) -> tuple[str, ...]:
        found: list[str] = []
        for scalar in scalars:
            try:
                language([scalar.text])
            except Undecidable as undecidable:
                self.values.note(scalar.mark, str(undecidable))
            found.append(scalar.text)
        return tuple(found)

    def _texts(self, entry: Entry | None) -> Sequence[Scalar]:
        # Elasticsearch takes `cluster` and `run_as` without a value for lists without items, but no other key.
        return () if entry is None or is_null(entry.value) else self.values.texts(entry)

    def _objects(self, entry: Entry | None) -> list[Table]:
        found: list[Table] = []
        if entry is None:
            return found
        for item in self.values.items(entry):
            if isinstance(item, Table):
                found.append(item)
            else:
                self.values.note(item.mark, f"every item of `{entry.key}` must be a mapping")
        return found

    def _has(self, item: Table, keys: Mapping[str, Entry], wanted: Iterable[str]) -> bool:
        missing = [key for key in wanted if key not in keys]
        if missing:
            self.values.note(item.mark, f"{listed(missing)} is missing here")
        return not missing

    def _without_say(self, keys: Mapping[str, Entry]) -> None:
        for key in _FREE:
            if key in keys and not isinstance(keys[key].value, Table):
                self.values.note(keys[key].value.mark, f"`{key}` must be a mapping")
        for key, members in _FORMS.items():
            for item in self._objects(keys.get(key)):
                self._form(key, item, members)
        description = keys.get("description")
        scalar = None if description is None else self.values.text(description.value, "description")
        if scalar is not None and len(scalar.text) > MAX_DESCRIPTION:
            self.values.note(scalar.mark, f"`description` is longer than {MAX_DESCRIPTION} characters")

    def _form(self, key: str, item: Table, members: Sequence[str]) -> None:
        more = (part for part in _INDEX_KEYS if part not in members) if key == "remote_indices" else ()
        entries = self.values.known(item, (*members, *more))
        self._has(item, entries, members)
        for member in members:
            if member in entries and not isinstance(entries[member].value, Scalar):
                self.values.texts(entries[member])


def _wrong_name(name: str) -> str:
    """What is wrong with a role's name; empty where nothing is."""
    if name in RESERVED_ROLES:
        return f"Role [{name}] is reserved and may not be used."
    if not 0 < len(name) <= MAX_NAME or name != name.strip(" ") or not all(" " <= char <= "~" for char in name):
        # The words of `Validation.Roles`.
        return (
            f"Role names must be at least 1 and no more than {MAX_NAME} characters. They can contain alphanumeric "
            "characters (a-z, A-Z, 0-9), spaces, punctuation, and printable symbols in the Basic Latin (ASCII) block. "
            "Leading or trailing whitespace is not allowed."
        )
    return ""
