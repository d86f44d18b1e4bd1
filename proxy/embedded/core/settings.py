"""Index settings: from any spelling to flat texts, validated, and back to what `_settings` shows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.embedded.core import setting_table, spelling
from proxy.embedded.core.failure import ElasticError, illegal, number_format
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.texts import java, matches

_TIME = re.compile(r"-?\d+(\.\d+)?(nanos|micros|ms|s|m|h|d)|-1|0")
_UNKNOWN = (
    "please check that any required plugins are installed, or check the breaking changes documentation for removed "
    "settings"
)
TIER = "index.routing.allocation.include._tier_preference"


def normalise(given: Mapping[str, Any]) -> dict[str, Any]:
    """Flat settings under `index.`: texts, lists of texts, and None where a value is to be removed."""
    flat: dict[str, Any] = {}
    _flatten(given, "", flat)
    return {key if key.startswith("index.") else f"index.{key}": value for key, value in flat.items()}


def validate(settings: Mapping[str, Any]) -> None:
    """Check flat settings of a request. Raises ElasticError 400 for an unknown name or a value out of its kind."""
    for name, value in settings.items():
        known = setting_table.find(name)
        if known is None or name in setting_table.PRIVATE:
            raise unknown(name)
        if isinstance(value, str):
            _check(name, value, known)


def unknown(name: str) -> ElasticError:
    """400: a setting that does not exist, with the nearest that do."""
    hint = spelling.hint(name, setting_table.KNOWN, spelling.SETTING_CUTOFF)
    return illegal(f"unknown setting [{name}] {hint or _UNKNOWN}")


def not_dynamic(settings: Mapping[str, Any]) -> list[str]:
    """The names among flat settings that an open index cannot change, sorted."""
    return sorted(name for name in settings if not (known := setting_table.find(name)) or not known.dynamic)


def final(settings: Mapping[str, Any]) -> list[str]:
    """The names among flat settings that never change once an index exists, sorted."""
    return sorted(name for name in settings if (known := setting_table.find(name)) and known.final)


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Flat settings as the tree that answers show; a key that is also a prefix stays dotted, as Elasticsearch does."""
    tree: dict[str, Any] = {}
    for key in sorted(settings):
        node = tree
        *parents, last = key.split(".")
        for depth, parent in enumerate(parents):
            inner = node.setdefault(parent, {})
            if not isinstance(inner, dict):
                last = ".".join([*parents[depth:], last])
                break
            node = inner
        node[last] = settings[key]
    return tree


def shown(settings: Mapping[str, Any], names: Sequence[str], *, flat: bool) -> dict[str, Any]:
    """What `_settings` answers: every setting, or those that the names (with `*`) pick."""
    picked = {
        name: value for name, value in settings.items() if not names or any(matches(pattern, name) for pattern in names)
    }
    return dict(sorted(picked.items())) if flat else nested(picked)


def group(settings: Mapping[str, Any], prefix: str) -> dict[str, dict[str, Any]]:
    """Settings below a prefix by their first name: `index.analysis.analyzer.` gives each analyzer's own settings."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        if name.startswith(prefix):
            own, _, rest = name[len(prefix) :].partition(".")
            found.setdefault(own, {})[rest] = value
    return found


def _flatten(value: Json, prefix: str, into: dict[str, Any]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(inner, f"{prefix}.{key}" if prefix else str(key), into)
    elif isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value):
        for number, item in enumerate(value):
            _flatten(item, f"{prefix}.{number}", into)
    elif isinstance(value, list):
        into[prefix] = [java(item) for item in value]
    else:
        into[prefix] = None if value is None else java(value)


def _check(name: str, value: str, known: setting_table.Setting) -> None:
    if known.kind == "int":
        _check_int(name, value, known)
    elif known.kind == "bool" and value not in ("true", "false"):
        raise illegal(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")
    elif known.kind == "time" and not _TIME.fullmatch(value):
        raise illegal(
            f"failed to parse setting [{name}] with value [{value}] as a time value: unit is missing or unrecognized"
        )


def _check_int(name: str, value: str, known: setting_table.Setting) -> None:
    try:
        number = int(value)
    except ValueError:
        raise illegal(f"Failed to parse value [{value}] for setting [{name}]", number_format(value)) from None
    if known.low is not None and number < known.low:
        raise illegal(f"Failed to parse value [{value}] for setting [{name}] must be >= {known.low}")
    if known.high is not None and number > known.high:
        raise illegal(f"Failed to parse value [{value}] for setting [{name}] must be <= {known.high}")
