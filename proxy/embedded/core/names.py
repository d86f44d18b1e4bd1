"""Which names an index or an alias may have (MetadataCreateIndexService, AliasValidator)."""

from proxy.embedded.core.failure import ElasticError, invalid_index_name

MAX_NAME_BYTES = 255
_FORBIDDEN = '/,|>?*<" \\'
_SHOWN = "['/',',','|','>','?','*','<','\"',' ','\\']"


def check_index_name(name: str) -> None:
    """Raise ElasticError 400 `invalid_index_name_exception` for a name that no index may have."""
    fault = _common_fault(name)
    if fault is None and name != name.lower():
        fault = "must be lowercase"
    if fault is not None:
        raise invalid_index_name(name, fault)


def check_alias_name(name: str) -> None:
    """Raise ElasticError 400 `invalid_alias_name_exception` for a name that no alias may have; capitals are allowed."""
    fault = _common_fault(name)
    if fault is not None:
        raise invalid_alias_name(name, fault)


def invalid_alias_name(name: str, why: str) -> ElasticError:
    """400 `invalid_alias_name_exception`."""
    return ElasticError(400, "invalid_alias_name_exception", f"Invalid alias name [{name}]: {why}")


def _common_fault(name: str) -> str | None:
    if not name:
        return "must not be empty"
    if set(name) & set(_FORBIDDEN):
        return f"must not contain the following characters {_SHOWN}"
    if "#" in name:
        return "must not contain '#'"
    if ":" in name:
        return "must not contain ':'"
    if name[0] in "_-+":
        return "must not start with '_', '-', or '+'"
    length = len(name.encode())
    if length > MAX_NAME_BYTES:
        return f"index name is too long, ({length} > {MAX_NAME_BYTES})"
    return "must not be '.' or '..'" if name in (".", "..") else None
