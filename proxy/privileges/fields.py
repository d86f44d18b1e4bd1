"""Field-level security as a view of a mapping (`FieldPermissions`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldSecurity:
    """`field_security` of one index grant: patterns of fields granted, minus patterns excepted."""

    grant: tuple[str, ...] = ("*",)
    except_: tuple[str, ...] = ()

    def grants(self, field: str) -> bool:
        """Whether the field of this full dotted name is visible."""
        raise NotImplementedError

    def visible(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """What is left of a mapping's `properties`; the argument is not changed."""
        raise NotImplementedError
