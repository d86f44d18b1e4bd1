"""The small body of a start: an object with at most an `id` and a `timeout` (StartDataFrameAnalyticsAction.Request)."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import cbor2
import yaml

from proxy.errors import PlainRefusal, Refusal

# What a small compressed body may grow to.
INFLATED_LIMIT_BYTES = 64 * 1024
ACTION = "cluster:admin/xpack/ml/data_frame/analytics/start"
FIELDS = ("id", "timeout")
# A start needs one. PyYAML looks ahead from each to the next: a thousand of them would hold up all starts for a second.
YAML_BRACKETS = 8
# PyYAML reads 200 KB a second, and all starts wait for it: more than an id and a timeout with comments take is refused.
YAML_LIMIT_BYTES = 4 * 1024
# XContent's names for what may stand where a text is wanted.
_TOKENS = {
    bool: "VALUE_BOOLEAN",
    int: "VALUE_NUMBER",
    float: "VALUE_NUMBER",
    list: "START_ARRAY",
    dict: "START_OBJECT",
}
_YAML_TEXT = "tag:yaml.org,2002:str"
_YAML_KINDS = {"tag:yaml.org,2002:bool": False, "tag:yaml.org,2002:int": 0, "tag:yaml.org,2002:float": 0.0}
_MEDIA_TYPE = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+/[!#$%&'*+\-.^_`|~0-9a-z]+")
_JSON = re.compile(r"application/(?:vnd\.elasticsearch\+)?(?:x-)?(?:nd)?json")
_YAML = re.compile(r"application/(?:vnd\.elasticsearch\+)?yaml")
_CBOR = re.compile(r"application/(?:vnd\.elasticsearch\+)?cbor")


def inflated(body: bytes, encoding: str | None) -> bytes:
    """The body without its `Content-Encoding`: gzip and deflate are what Elasticsearch takes (HttpContentDecompressor).

    Raises:
        Refusal: 400 for a broken body, 413 for one that grows beyond `INFLATED_LIMIT_BYTES`, 415 for another encoding.
    """
    if not body or encoding is None or encoding.lower() == "identity":
        return body
    if encoding.lower() not in ("gzip", "x-gzip", "deflate", "x-deflate"):
        raise Refusal(415, "illegal_argument_exception", f"Content-Encoding [{encoding}] is not supported")
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # the head of the data tells gzip from zlib
    try:
        plain = decompressor.decompress(body, INFLATED_LIMIT_BYTES + 1)
    except zlib.error as failure:
        text = f"the body is not {encoding.lower()} data: {failure}"
        raise Refusal(400, "illegal_argument_exception", text) from failure
    if len(plain) > INFLATED_LIMIT_BYTES:
        text = f"the body of a start is limited to {INFLATED_LIMIT_BYTES} bytes"
        raise Refusal(413, "content_too_long_exception", text)
    if not decompressor.eof:
        raise Refusal(400, "illegal_argument_exception", f"the body is cut off {encoding.lower()} data")
    return plain


def body_fields(body: bytes, content_types: Sequence[str], parameters: Mapping[str, str]) -> Mapping[str, str] | None:
    """The fields of the body, or of the `source` parameter that stands in for one; None where there is no body.

    Raises:
        Refusal: 400 or 406 with Elasticsearch's texts.
    """
    if len(content_types) > 1 or (content_types and not content_types[0].strip()):
        raise _bad_media_type(content_types)
    if body:
        if not content_types:
            raise PlainRefusal(406, "", "Content-Type header [] is not supported")
        return _checked(_parse(body, content_types[0]))
    if "source" in parameters:
        if "source_content_type" not in parameters:
            text = "source and source_content_type parameters are required"
            raise Refusal(400, "illegal_state_exception", text)
        return _checked(_parse(parameters["source"].encode(), parameters["source_content_type"]))
    return None


def _bad_media_type(content_types: Sequence[str]) -> Refusal:
    cause = {"type": "illegal_argument_exception", "reason": f"invalid media-type [{', '.join(content_types)}]"}
    text = "Invalid media-type value on headers [Content-Type]"
    return Refusal(400, "media_type_header_exception", text, caused_by=cause)


def _parse(body: bytes, content_type: str) -> Any:  # noqa: ANN401 -- whatever the client sent
    media = content_type.partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(media):
        raise _bad_media_type([content_type])
    parse = next((parse for pattern, parse in _PARSERS if pattern.fullmatch(media)), None)
    if parse is None:
        raise PlainRefusal(406, "", f"Content-Type header [{content_type}] is not supported")
    try:
        return parse(body)
    except (ValueError, TypeError, RecursionError, yaml.YAMLError, cbor2.CBORError) as failure:
        raise Refusal(400, "x_content_parse_exception", f"[1:1] [{ACTION}] body cannot be parsed") from failure


def _parse_yaml(body: bytes) -> Any:  # noqa: ANN401 -- whatever the client sent
    """One mapping of scalars is read, and nothing is constructed: merge keys would multiply what a client sent."""
    if len(body) > YAML_LIMIT_BYTES:
        raise ValueError("longer than any start")
    if body.count(b"[") + body.count(b"{") > YAML_BRACKETS:
        raise ValueError("nested deeper than any start")
    node = yaml.compose(body, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return [] if isinstance(node, yaml.SequenceNode) else None
    if not all(isinstance(name, yaml.ScalarNode) for name, _ in node.value):
        raise ValueError("a name is no scalar")
    return _no_duplicates([(name.value, _yaml_value(value)) for name, value in node.value])


def _yaml_value(node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.tag == _YAML_TEXT else _YAML_KINDS.get(node.tag)
    return [] if isinstance(node, yaml.SequenceNode) else {}


def _parse_json(body: bytes) -> Any:  # noqa: ANN401 -- whatever the client sent
    return json.loads(body, object_pairs_hook=_no_duplicates)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("duplicate field")
    return fields


_PARSERS = (
    (_JSON, _parse_json),
    (_YAML, _parse_yaml),
    (_CBOR, cbor2.loads),
)


def _checked(fields: Any) -> Mapping[str, str]:  # noqa: ANN401 -- whatever the client sent
    if not isinstance(fields, dict):
        text = f"[1:1] [{ACTION}] Expected START_OBJECT but was: {_token(fields)}"
        raise Refusal(400, "x_content_parse_exception", text)
    for name, value in fields.items():
        if name not in FIELDS:
            # A field's name is a text; CBOR lets it be anything.
            shown = _whole(name) if isinstance(name, str) else _token(name)
            raise Refusal(400, "x_content_parse_exception", f"[1:2] [{ACTION}] unknown field [{shown}]")
        if not isinstance(value, str):
            text = f"[1:2] [{ACTION}] {name} doesn't support values of type: {_token(value)}"
            raise Refusal(400, "x_content_parse_exception", text)
    return {name: _whole(value) for name, value in fields.items()}


def _whole(text: str) -> str:
    """JSON and YAML can spell half of a surrogate pair, which no answer and no record could hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _token(value: object) -> str:
    """XContent's name for a kind of value."""
    return "VALUE_STRING" if isinstance(value, str) else _TOKENS.get(type(value), "VALUE_NULL")
