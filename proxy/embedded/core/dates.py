"""Date formats of mappings: Elasticsearch's named ones and Java patterns, both ways; values are epoch milliseconds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from proxy.embedded.core.failure import ElasticError, illegal

DEFAULT = "strict_date_optional_time||epoch_millis"
DEFAULT_NANOS = "strict_date_optional_time_nanos||epoch_millis"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(?P<y>[+-]?\d{4,9})(-(?P<M>\d\d)(-(?P<d>\d\d)(T((?P<H>\d\d)(:(?P<m>\d\d)(:(?P<s>\d\d)([.,](?P<S>\d{1,9}))?)?)?"
    r"(?P<z>Z|[+-]\d\d(:?\d\d)?)?)?)?)?)?"
)
_ZONE = r"(?P<z>Z|[+-]\d\d(?::?\d\d)?)"
_TOKEN = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|.")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LETTERS = {
    "y": "y",
    "u": "y",
    "M": "M",
    "L": "M",
    "d": "d",
    "H": "H",
    "k": "H",
    "h": "h",
    "K": "h",
    "m": "m",
    "s": "s",
    "S": "S",
    "a": "a",
    "E": "E",
    "e": "E",
    "X": "z",
    "x": "z",
    "Z": "z",
    "z": "z",
    "V": "z",
    "O": "z",
    "n": "n",
    "D": "D",
    "Q": "Q",
    "G": "G",
    "w": "w",
    "Y": "Y",
    "A": "A",
    "N": "n",
    "W": "w",
    "F": "w",
    "B": "a",
    "p": "p",
    "q": "Q",
    "c": "E",
    "g": "D",
    "v": "z",
}
_NAMED_PATTERNS = {
    "basic_date": "yyyyMMdd",
    "basic_date_time": "yyyyMMdd'T'HHmmss.SSSX",
    "basic_date_time_no_millis": "yyyyMMdd'T'HHmmssX",
    "date": "yyyy-MM-dd",
    "date_hour": "yyyy-MM-dd'T'HH",
    "date_hour_minute": "yyyy-MM-dd'T'HH:mm",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "date_hour_minute_second_millis": "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "date_hour_minute_second_fraction": "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    "date_time_no_millis": "yyyy-MM-dd'T'HH:mm:ssX",
    "hour": "HH",
    "hour_minute": "HH:mm",
    "hour_minute_second": "HH:mm:ss",
    "time": "HH:mm:ss.SSSX",
    "time_no_millis": "HH:mm:ssX",
    "year": "yyyy",
    "year_month": "yyyy-MM",
    "year_month_day": "yyyy-MM-dd",
}
_ISO_NAMES = frozenset({"date_optional_time", "date_optional_time_nanos", "iso8601"})
Parser = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class _Format:
    parse: Parser
    pattern: str  # a Java pattern for printing; empty for ISO and epoch formats
    unit: str = "iso"  # iso, pattern, epoch_millis or epoch_second


def check(format: str) -> None:
    """Raise ElasticError 400 `Invalid format: […]` for a format that does not exist."""
    _formats(format)


def parse(value: object, format: str) -> int:
    """A date in any of the formats (joined by `||`) as epoch milliseconds. Raises ElasticError 400."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    for one in _formats(format):
        found = one.parse(text)
        if found is not None:
            return found
    cause = ElasticError(400, "date_time_parse_exception", _why(text, format))
    raise illegal(f"failed to parse date field [{text}] with format [{format}]", cause)


def _why(text: str, format: str) -> str:
    """Java's words for a text that does not parse; for a single pattern they name where it fails."""
    first = _formats(format)[0]
    if "||" in format or first.unit != "pattern":
        return "Failed to parse with all enclosed parsers"
    offset = 0
    for token in _tokens(first.pattern):
        piece = "" if token in "[]" else _letter(token, set()) if token.isalpha() else re.escape(token.strip("'"))
        match = re.compile(piece).match(text, offset)
        if match is None:
            return f"Text '{text}' could not be parsed at index {offset}"
        offset = match.end()
    if offset < len(text):
        return f"Text '{text}' could not be parsed, unparsed text found at index {offset}"
    return f"Text '{text}' could not be parsed"


def render(millis: int, format: str) -> str:
    """A date in the first of the formats, as `docvalue_fields` and `fields` show it."""
    first = _formats(format)[0]
    if first.unit == "epoch_millis":
        return str(millis)
    if first.unit == "epoch_second":
        return str(millis // 1000)
    moment = _EPOCH + timedelta(milliseconds=millis)
    if first.unit == "iso":
        return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"
    return "".join(_printed(token, moment, millis % 1000) for token in _tokens(first.pattern))


@lru_cache(maxsize=512)
def _formats(format: str) -> tuple[_Format, ...]:
    return tuple(_one(part, format) for part in format.split("||"))


def _one(name: str, whole: str) -> _Format:
    plain = name.removeprefix("strict_")
    if plain in _ISO_NAMES:
        return _Format(_parse_iso, "")
    if name == "epoch_millis":
        return _Format(lambda text: _epoch(text, 1), "", name)
    if name == "epoch_second":
        return _Format(lambda text: _epoch(text, 1000), "", name)
    pattern = _NAMED_PATTERNS.get(plain, name)
    try:
        expression = re.compile(_expression(pattern))
    except ValueError as fault:
        cause = illegal(str(fault))
        raise illegal(f"Invalid format: [{whole}]: {fault}", cause) from None
    return _Format(lambda text: _parse_pattern(expression, text), pattern, "pattern")


def _epoch(text: str, factor: int) -> int | None:
    if re.fullmatch(r"-?\d+", text):
        return int(text) * factor
    return int(float(text) * factor) if re.fullmatch(r"-?\d+\.\d+", text) else None


def _parse_iso(text: str) -> int | None:
    match = _ISO.fullmatch(text)
    return None if match is None else _moment(match.groupdict())


def _parse_pattern(expression: re.Pattern[str], text: str) -> int | None:
    match = expression.fullmatch(text)
    return None if match is None else _moment(match.groupdict())


def _moment(parts: dict[str, str | None]) -> int | None:
    hour = int(parts.get("H") or 0)
    if parts.get("h"):
        hour = int(parts["h"] or 0) % 12 + (12 if (parts.get("a") or "").lower() == "pm" else 0)
    month = parts.get("M") or "1"
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    try:
        digits = parts.get("y") or "1970"
        year = int(digits) + (2000 if len(digits) == 2 else 0)
        moment = datetime(
            year,
            number,
            int(parts.get("d") or 1),
            hour,
            int(parts.get("m") or 0),
            int(parts.get("s") or 0),
            tzinfo=_zone(parts.get("z")),
        )
    except ValueError:
        return None
    fraction = (parts.get("S") or "0").ljust(3, "0")[:3]
    return (moment - _EPOCH) // timedelta(milliseconds=1) + int(fraction)


def _zone(text: str | None) -> timezone:
    if not text or text == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _tokens(pattern: str) -> list[str]:
    """Runs of one letter, quoted literals (with their quotes), and single other characters."""
    return [match.group(0) for match in _TOKEN.finditer(pattern)]


def _expression(pattern: str) -> str:
    """A regular expression for a Java pattern. Raises ValueError with Java's words for one that is none."""
    if not pattern.strip():
        raise ValueError("No date pattern provided")
    found, used, depth = "", set[str](), 0
    for token in _tokens(pattern):
        if token in "[]":
            depth += 1 if token == "[" else -1
            found += "(?:" if token == "[" else ")?"
        elif token.startswith("'"):
            found += re.escape(token[1:-1].replace("''", "'") or "'")
        elif token.isalpha():
            found += _letter(token, used)
        else:
            found += re.escape(token)
        if depth < 0:
            raise ValueError("Pattern invalid as it contains ] without previous [")
    return found + ")?" * depth


def _letter(token: str, used: set[str]) -> str:
    group = _LETTERS.get(token[0])
    if group is None:
        raise ValueError(f"Unknown pattern letter: {token[0]}")
    body = _body(token, group)
    if group in used or group in "EnDQGwYAp":
        return f"(?:{body})"
    used.add(group)
    return _ZONE if group == "z" else f"(?P<{group}>{body})"


def _body(token: str, group: str) -> str:
    length = len(token)
    if group == "z":
        return r"Z|[+-]\d\d(?::?\d\d)?"
    if group in ("E", "a", "G") or (group == "M" and length >= 3):
        return r"[A-Za-z]+"
    if group == "y":
        return r"\d{2}" if length == 2 else r"\d{4}" if length == 4 else r"\d{1,9}"
    if group == "S":
        return rf"\d{{{length}}}"
    return r"\d{1,2}" if length == 1 else rf"\d{{{length}}}"


def _printed(token: str, moment: datetime, millis: int) -> str:
    if token.startswith("'"):
        return token[1:-1].replace("''", "'") or "'"
    group = _LETTERS.get(token[0]) if token.isalpha() else None
    if group is None:
        return "" if token in "[]" else token
    if group == "M" and len(token) >= 3:
        return f"{moment:%b}" if len(token) == 3 else f"{moment:%B}"
    numbers = {
        "y": moment.year,
        "M": moment.month,
        "d": moment.day,
        "H": moment.hour,
        "h": moment.hour % 12 or 12,
        "m": moment.minute,
        "s": moment.second,
    }
    if group in numbers:
        number = numbers[group] % 100 if token in ("yy", "uu") else numbers[group]
        return str(number).zfill(len(token))
    others = {
        "S": f"{millis:03d}".ljust(len(token), "0")[: len(token)],
        "z": "Z",
        "a": f"{moment:%p}",
        "E": f"{moment:%a}",
    }
    return others.get(group, "")
