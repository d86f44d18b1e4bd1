"""Values of documents and queries under a field's type: parsed to what is compared, or refused as Elasticsearch does.

Numbers become int or float, dates epoch milliseconds, booleans bool, addresses `ipaddress` objects, all else text.
"""

import ipaddress
import math

from proxy.embedded.core import dates, field_types
from proxy.embedded.core.failure import ElasticError, illegal, number_format
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping import Field
from proxy.embedded.core.texts import java

INT_RANGES = {"byte": "a byte", "short": "a short"}
_TOKEN_RANGES = {"integer": ("int", 2**31), "long": ("long", 2**63)}


def parse(field: Field, value: Json) -> Json:
    """One value of a document, never None or a list. None where it is not indexed (`ignore_above`).

    Raises ElasticError, the cause of `failed to parse field …`.
    """
    kind = field.type.name
    if field.type.composite:
        return value if not isinstance(value, dict) else java(value)
    if kind in field_types.NUMERIC:
        return number(field, value)
    if kind == "boolean":
        return boolean(value)
    if isinstance(value, dict):
        raise illegal("Expected text but found START_OBJECT")
    if kind in ("date", "date_nanos"):
        return dates.parse(value, date_format(field))
    if kind == "ip":
        return address(value)
    text = java(value)
    above = field.node.get("ignore_above")
    return None if above is not None and len(text) > above else text


def date_format(field: Field) -> str:
    """The date formats of a field."""
    default = dates.DEFAULT_NANOS if field.type.name == "date_nanos" else dates.DEFAULT
    return str(field.node.get("format", default))


def boolean(value: Json) -> bool:
    """`true`, `false`, or the empty text for false. Raises ElasticError for anything else."""
    if not isinstance(value, (bool, str)):
        raise _jackson("json_parse_exception", f"Current token ({_token(value)}) not of boolean type")
    text = java(value)
    if text in ("true", "false", ""):
        return text == "true"
    raise illegal(f"Failed to parse value [{text}] as only [true] or [false] are allowed.")


def address(value: Json) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IP address. Raises ElasticError."""
    try:
        return ipaddress.ip_address(str(value))
    except ValueError:
        raise illegal(f"'{java(value)}' is not an IP string literal.") from None


def address_order(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """A number by which addresses of both versions compare, IPv4 ones as mapped into IPv6."""
    return int(address) + (0xFFFF << 32 if address.version == 4 else 0)


def address_text(order: int) -> str:
    """The address of a number that `address_order` gave."""
    found = ipaddress.IPv6Address(order)
    return str(found.ipv4_mapped or found)


def number(field: Field, value: Json) -> int | float | None:
    """A number of the field's type; fractions of whole types are cut off. Raises ElasticError."""
    kind = field.type.name
    coerce = field.node.get("coerce", True)
    if isinstance(value, dict):
        raise illegal("Cannot parse object as number")
    if isinstance(value, bool):
        reason = f"Current token ({_token(value)}) not numeric, can not use numeric value accessors"
        raise _jackson("json_parse_exception", reason)
    if value == "" and coerce:
        return None
    if isinstance(value, str) and not coerce:
        raise illegal(f"{kind.capitalize()} value passed as String")
    if kind in field_types.FLOATING:
        return _floating(kind, value)
    found = _whole(kind, value)
    if not coerce and value != found:
        raise illegal(f"{java(value)} cannot be converted to {kind.capitalize()} without data loss")
    return found


def _token(value: Json) -> str:
    """Jackson's name for the token that a value begins with."""
    if isinstance(value, dict):
        return "START_OBJECT"
    if isinstance(value, bool):
        return f"VALUE_{java(value).upper()}"
    return "VALUE_NUMBER_FLOAT" if isinstance(value, float) else "VALUE_NUMBER_INT"


def _jackson(type: str, reason: str) -> ElasticError:
    """A fault of the JSON parser; whoever knows the text adds the position (`document`)."""
    return ElasticError(400, "x_content_parse_exception", reason, cause=ElasticError(400, type, reason))


def _floating(kind: str, value: Json) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise number_format(java(value)) from None
    if (
        not math.isfinite(found)
        or (kind == "float" and abs(found) > 3.4028235677973366e38)
        or (kind == "half_float" and abs(found) >= 65520)
    ):
        raise illegal(f"[{kind}] supports only finite values, but got [{_infinite(value)}]")
    return found


def _infinite(value: Json) -> str:
    return value if isinstance(value, str) else java(float(value))


def _whole(kind: str, value: Json) -> int:
    found = _integer(kind, value)
    low, high = (0, 2**64) if kind == "unsigned_long" else (-field_types.WHOLE[kind], field_types.WHOLE[kind])
    if low <= found < high:
        return found
    if kind in _TOKEN_RANGES and not isinstance(value, str):
        name, limit = _TOKEN_RANGES[kind]
        reason = f"Numeric value ({java(value)}) out of range of {name} ({-limit} - {limit - 1})"
        raise _jackson("input_coercion_exception", reason)
    raise illegal(f"Value [{java(value)}] is out of range for {INT_RANGES.get(kind, f'an {kind}')}")


def _integer(kind: str, value: Json) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        fault = number_format(java(value))
        # Long has a parser of its own, whose fault is no NumberFormatException.
        raise illegal(fault.reason) if kind == "long" else fault from None
