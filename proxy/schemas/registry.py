"""All schemas by name, and the files that ship."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from proxy.schemas.audit import audit_schema
from proxy.schemas.cases import cases_schema
from proxy.schemas.config import config_schema
from proxy.schemas.rules import rules_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "config": config_schema,
    "rules": rules_schema,
    "cases": cases_schema,
    "audit": audit_schema,
}


def schema_text(name: str) -> str:
    """A schema as it ships: JSON, indented, with a line break at its end."""
    return json.dumps({"$schema": DIALECT, **SCHEMAS[name]()}, indent=2, ensure_ascii=False) + "\n"


def shipped_files(name: str) -> tuple[Path, ...]:
    """Where a schema ships in a checkout: in the package; those that editors want also beside the rules."""
    here = Path(__file__).parent
    beside = (here.parent.parent / "rules" / f"{name}.schema.json",) if name in ("rules", "cases") else ()
    return (here / f"{name}.schema.json", *beside)
