"""Field-level security as a view of a mapping (`FieldPermissions`, `Metadata.filterFields`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.privileges.patterns import matches


@dataclass(frozen=True, slots=True)
class FieldSecurity:
    """`field_security` of one index grant: patterns of fields granted, minus patterns excepted."""

    grant: tuple[str, ...] = ("*",)
    except_: tuple[str, ...] = ()

    @property
    def total(self) -> bool:
        """Whether this shows every field."""
        return "*" in self.grant and not self.except_

    def grants(self, field: str) -> bool:
        """Whether the field of this full dotted name is visible. Raises Undecidable for a regex not supported.

        Metadata fields (`_id`, `_source`, …) are granted with any list of fields, unless excepted.
        """
        granted = "*" in self.grant or field.startswith("_") or matches(self.grant, field)
        return granted and not matches(self.except_, field)

    def visible(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """What is left of a mapping's `properties`; the argument is not changed. Raises Undecidable.

        An object stays if it is granted or anything in it stays. A field whose multi-fields stay, but which is not
        granted itself, becomes an object that holds them: that is what the cluster shows, too.
        """
        return visible_fields((self,), properties)


def visible_fields(views: Sequence[FieldSecurity], properties: Mapping[str, Any]) -> dict[str, Any]:
    """What several views together leave of a mapping's `properties`: a field stays if any grants it."""
    return _filtered(views, "", properties)


def _filtered(views: Sequence[FieldSecurity], path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, definition in fields.items():
        full = f"{path}.{name}" if path else name
        shown = _shown(views, full, definition)
        if shown is not None:
            kept[name] = shown
    return kept


def _shown(views: Sequence[FieldSecurity], path: str, definition: Mapping[str, Any]) -> dict[str, Any] | None:
    granted = any(view.grants(path) for view in views)
    if "properties" in definition:
        inner = _filtered(views, path, definition["properties"])
        return {**definition, "properties": inner} if granted or inner else None
    rest = {key: value for key, value in definition.items() if key != "fields"}
    multi = _filtered(views, path, definition.get("fields", {}))
    if granted:
        return {**rest, "fields": multi} if multi else rest
    untyped = {key: value for key, value in rest.items() if key != "type"}
    return {**untyped, "properties": multi} if multi else None
