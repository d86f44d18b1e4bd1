"""Content types: which bodies are read, which form an answer takes (RestRequest, RestCompatibleVersionHelper)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import cbor2
import yaml

from proxy.embedded.core import json_text
from proxy.embedded.core.failure import ElasticError, x_content
from proxy.embedded.core.json_text import Json

_HEADER = re.compile(r"\s*([!#$%&'*+.^_`|~\w-]+)/([!#$%&'*+.^_`|~\w-]+)\s*((?:;[^;]*)*)\s*")
_PARAMETER = re.compile(r"\s*([\w-]+)\s*=\s*\"?([^\s\";]+)\"?\s*")
_VENDOR = "vnd.elasticsearch+"
_FORMATS = {"json": "json", "x-ndjson": "ndjson", "ndjson": "ndjson", "yaml": "yaml", "cbor": "cbor"}
COMPATIBLE = (8, 7)  # the REST API versions that an 8.x cluster serves


@dataclass(frozen=True, slots=True)
class Media:
    """One understood content type: `format` is json, ndjson, yaml or cbor; `compatible` the version asked for, or 0."""

    format: str
    vendor: bool = False
    compatible: int = 0

    def header(self) -> str:
        """The value of an answer's Content-Type."""
        format = "json" if self.format == "ndjson" else self.format
        if not self.vendor:
            return f"application/{format}"
        version = f";compatible-with={self.compatible}" if self.compatible else ""
        return f"application/{_VENDOR}{format}{version}"


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What a request's headers settle: how its body reads (None without a body) and how the answer is written."""

    body: Media | None
    answer: Media


JSON = Media("json")


def negotiate(
    content_type: str | None,
    accept: str | None,
    *,
    has_body: bool,
    format: str | None,
    serves: Sequence[int] = COMPATIBLE,
) -> Negotiated:
    """Settle both content types, or raise ElasticError 400; an unknown type of a body is `unreadable`'s to refuse.

    `serves` are the REST API versions of the cluster, its own first.
    """
    sent = _parse("Content-Type", content_type) if content_type else None
    wanted = _parse("Accept", accept) if accept and "," not in accept else None
    _check_served(sent if has_body else None, wanted, (content_type, accept), serves)
    _check_versions(sent, wanted, content_type, accept, has_body=has_body)
    answer = wanted or sent or JSON
    if format in _FORMATS:
        answer = Media(_FORMATS[format], answer.vendor, answer.compatible)
    return Negotiated(body=sent, answer=answer)


def unreadable(content_type: str | None, body: Media | None) -> str | None:
    """The text of the 406 for a body of this type, None where it can be read."""
    return f"Content-Type header [{content_type or ''}] is not supported" if body is None else None


def decode(media: Media, body: bytes) -> Json:
    """The value in a body. Raises ElasticError where it does not parse."""
    if media.format == "yaml":
        return _decode_yaml(body)
    if media.format == "cbor":
        return _decode_cbor(body)
    return json_text.read(utf8(body))


def utf8(body: bytes) -> str:
    """A body as text. Raises ElasticError 400 where it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as fault:
        cause = ElasticError(400, "json_parse_exception", f"Invalid UTF-8 start byte 0x{body[fault.start]:x}")
        raise x_content((1, fault.start + 1), cause.reason, cause) from None


def encode(media: Media, value: Json, *, pretty: bool) -> bytes:
    """The bytes of an answer."""
    if media.format == "cbor":
        return cbor2.dumps(value)
    if media.format == "yaml":
        return yaml.dump(
            value, Dumper=_Dumper, sort_keys=False, explicit_start=True, allow_unicode=True, width=2**30
        ).encode()
    return f"{json_text.pretty(value)}\n".encode() if pretty else json_text.compact(value).encode()


def _parse(header: str, value: str) -> Media | None:
    """What a header names; None for `*/*` and for types that Elasticsearch does not read."""
    match = _HEADER.fullmatch(value)
    parameters = [] if match is None else [part for part in match[3].split(";") if part.strip()]
    if match is None or not all(_PARAMETER.fullmatch(part) for part in parameters):
        cause = ElasticError(400, "illegal_argument_exception", f"invalid media-type [{value}]")
        raise _refused(header, cause)
    kind, subtype = match[1].lower(), match[2].lower()
    vendor = subtype.startswith(_VENDOR)
    format = _FORMATS.get(subtype.removeprefix(_VENDOR))
    if subtype == "*" and kind in ("application", "*"):
        return JSON if kind == "application" else None
    if kind != "application" or format is None:
        return None
    return Media(format, vendor, _version(parameters) if vendor else 0)


def _version(parameters: list[str]) -> int:
    for part in parameters:
        match = _PARAMETER.fullmatch(part)
        if match is not None and match[1].lower() == "compatible-with" and match[2].isdigit():
            return int(match[2])
    return 0


def _check_served(
    sent: Media | None, wanted: Media | None, told: tuple[str | None, str | None], serves: Sequence[int]
) -> None:
    either = " or ".join(str(version) for version in serves)
    if wanted is not None and wanted.compatible and wanted.compatible not in serves:
        raise _version_fault(
            f"Accept version must be either version {either}, but found {wanted.compatible}. Accept={told[1]}"
        )
    if sent is not None and sent.compatible and sent.compatible not in serves:
        found = f"but found {sent.compatible}. Content-Type={told[0]}"
        raise _version_fault(f"Content-Type version must be either version {either}, {found}")


def _check_versions(
    sent: Media | None, wanted: Media | None, content_type: str | None, accept: str | None, *, has_body: bool
) -> None:
    offered = sent.compatible if sent is not None and has_body else 0
    asked = wanted.compatible if wanted is not None else 0
    if has_body and (offered or asked) and offered != asked:
        both = "" if not (offered and asked) else " and the compatible versions must match"
        raise _version_fault(
            "A compatible version is required on both Content-Type and Accept headers if either one has requested a "
            f"compatible version{both}. Accept={accept or 'null'}, Content-Type={content_type}"
        )


def _version_fault(reason: str) -> ElasticError:
    return _refused("Accept, Content-Type", ElasticError(400, "status_exception", reason))


def _refused(headers: str, cause: ElasticError) -> ElasticError:
    reason = f"Invalid media-type value on headers [{headers}]"
    return ElasticError(400, "media_type_header_exception", reason, cause=cause, own_root=True)


def _decode_yaml(body: bytes) -> Json:
    try:
        return yaml.safe_load(body)
    except yaml.YAMLError as fault:
        raise x_content((1, 1), str(fault)) from None


def _decode_cbor(body: bytes) -> Json:
    try:
        return cbor2.loads(body)
    except (cbor2.CBORDecodeError, ValueError) as fault:
        raise x_content((1, 1), str(fault)) from None


class _Dumper(yaml.SafeDumper):
    """Jackson's YAML: keys plain, texts in double quotes, lists not indented below their key."""

    def represent_mapping(self, tag: str, mapping: Json, flow_style: bool | None = None) -> yaml.MappingNode:
        """Plain keys; `{}` for an empty object."""
        node = super().represent_mapping(tag, mapping, flow_style=not mapping)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.style = None
        return node

    def represent_sequence(self, tag: str, sequence: Json, flow_style: bool | None = None) -> yaml.SequenceNode:
        """`[]` for an empty list."""
        return super().represent_sequence(tag, sequence, flow_style=not sequence)

    def ignore_aliases(self, data: Json) -> bool:
        """No anchors: a value that occurs twice is written twice."""
        return True


def _quoted(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"')


_Dumper.add_representer(str, _quoted)
