"""The schema of `startgate.yml`, from the table of configuration keys (`config.keys`).

What a value must be beyond its kind (a free port, a file that is there) is for `startgate check`.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from proxy.config.admin import METRICS, TOKEN_ROLES
from proxy.config.journaling import ON_FULL, ROTATE_AT_LEAST_BYTES
from proxy.config.keys import KEYS
from proxy.config.load import SNIFFING_MODES
from proxy.config.logs import FORMATS
from proxy.config.peers import FORWARDED_MODES
from proxy.config.sinks import TRANSPORTS
from proxy.journal.mask import MASKABLE
from proxy.logs.levels import LEVELS
from proxy.settings import AdminLimits, EdgeLimits, GateLimits, IdentityLimits, ShipLimits
from proxy.tls import CLIENT_CERTIFICATES, VERIFY_MODES, VERSIONS
from proxy.tracing.settings import TraceLimits

_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_ANY = {"type": ["string", "number", "boolean", "array", "object"]}
# YAML takes 1.2 for a number.
_VERSION = {"enum": [*VERSIONS, *map(float, VERSIONS)]}
_MASKED = {"anyOf": [{"enum": list(MASKABLE)}, {"type": "array", "items": {"enum": list(MASKABLE)}}]}
_TOKEN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "file", "role"],
    "properties": {"name": {"type": "string"}, "file": {"type": "string"}, "role": {"enum": list(TOKEN_ROLES)}},
}
# Keys that are more than a value of any kind.
_KINDS: dict[str, dict[str, Any]] = {
    "listen": {"anyOf": [{"type": ["string", "object"]}, {"type": "array", "items": {"type": ["string", "object"]}}]},
    "workers": {"type": "integer", "minimum": 1},
    "cluster.nodes": _TEXTS,
    "cluster.sniffing": {"enum": list(SNIFFING_MODES)},
    "cluster.tls.verify": {"enum": list(VERIFY_MODES)},
    "cluster.tls.fingerprint": _TEXTS,
    "cluster.tls.min_version": _VERSION,
    "cluster.tls.max_version": _VERSION,
    "forwarded.mode": {"enum": list(FORWARDED_MODES)},
    "forwarded.peers": _TEXTS,
    "rules": {"type": "string"},
    "journal.path": {"type": "string"},
    "journal.on_full": {"enum": list(ON_FULL)},
    "journal.append_limit_s": {"type": "number", "exclusiveMinimum": 0},
    "journal.rotate.size_bytes": {"type": "integer", "minimum": ROTATE_AT_LEAST_BYTES},
    "journal.rotate.age_s": {"type": "number", "minimum": 0},
    "journal.retain.files": {"type": "integer", "minimum": 0},
    "journal.retain.age_s": {"type": "number", "minimum": 0},
    "journal.checkpoints.key_file": {"type": "string"},
    "journal.checkpoints.every_records": {"type": "integer", "minimum": 1},
    "journal.mask": _MASKED,
    "journal.mask_key_file": {"type": "string"},
    "journal.sinks.elasticsearch.data_stream": {"type": "string"},
    "journal.sinks.elasticsearch.keep_days": {"type": "integer", "minimum": 0},
    "journal.sinks.syslog.transport": {"enum": list(TRANSPORTS)},
    "journal.sinks.stdout.enabled": {"type": "boolean"},
    "admin.listen": {"type": ["string", "boolean"]},
    "admin.socket": {"type": "string"},
    "admin.hosts": _TEXTS,
    "admin.unsafe_plain": {"type": "boolean"},
    "admin.metrics": {"enum": list(METRICS)},
    **{f"admin.access.{role}.{by}": _TEXTS for role in TOKEN_ROLES for by in ("cluster", "roles")},
    "admin.access.own": {"type": "boolean"},
    "admin.tokens": {"type": "array", "items": _TOKEN},
    "admin.tls.certificate": _TEXTS,
    "admin.tls.key": _TEXTS,
    "admin.tls.client_certificates": {"enum": list(CLIENT_CERTIFICATES)},
    "admin.tls.min_version": _VERSION,
    "admin.tls.max_version": _VERSION,
    "log.format": {"enum": list(FORMATS)},
    "log.path": {"type": "string"},
    "log.level": {"enum": list(LEVELS)},
    "log.levels": {"type": "object", "additionalProperties": {"enum": list(LEVELS)}},
    "log.slow_start_s": {"type": "number", "minimum": 0},
    "log.access.path": {"type": "string"},
    "log.access.sample": {"type": "number", "minimum": 0, "maximum": 1},
    "log.access.slow_s": {"type": "number", "minimum": 0},
    "log.access.errors": {"type": "boolean"},
    "log.access.query": {"type": "boolean"},
    "tracing.otlp": {"type": "string"},
    "tracing.headers_file": {"type": "string"},
    "tracing.ca": {"type": "string"},
    "tracing.sample": {"type": "number", "minimum": 0, "maximum": 1},
    "gate.socket": {"type": "string"},
}
_LIMITS = {
    f"limits.{section}.{limit.name}": {"type": "integer", "minimum": 1}
    if isinstance(limit.default, int)
    else {"type": "number", "minimum" if limit.metadata.get("or_zero") else "exclusiveMinimum": 0}
    for section, kind in (
        ("edge", EdgeLimits),
        ("gate", GateLimits),
        ("identity", IdentityLimits),
        ("ship", ShipLimits),
        ("trace", TraceLimits),
        ("admin", AdminLimits),
    )
    for limit in fields(kind)
}


def config_schema() -> dict[str, Any]:
    """The schema of the configuration file."""
    return {"title": "The configuration of Startgate", **_section("", KEYS)}


def _section(prefix: str, names: Iterable[str]) -> dict[str, Any]:
    below: dict[str, list[str]] = {}
    for name in names:
        below.setdefault(name.removeprefix(prefix).split(".")[0], []).append(name)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {piece: _one(f"{prefix}{piece}", under) for piece, under in below.items()},
    }


def _one(name: str, under: list[str]) -> dict[str, Any]:
    if name in KEYS:
        return {"description": KEYS[name], **_KINDS.get(name, _LIMITS.get(name, _ANY))}
    # A section of which every key is commented out says nothing, and does no harm.
    return {"anyOf": [_section(f"{name}.", under), {"type": "null"}]}
