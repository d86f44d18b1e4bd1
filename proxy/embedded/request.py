"""One request as the handlers of the layer see it."""

import gzip
import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from proxy.embedded.backend import Call
from proxy.embedded.core import media
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.request import parse_query, split_target, unescape
from proxy.embedded.core.spelling import hint
from proxy.embedded.failure import Failure, Plain
from proxy.embedded.params import Params


@dataclass(frozen=True)
class Request:
    """A call, and what can be told from it; `variables` come from the path, `serves` are the REST API versions of the
    cluster, its own first."""

    call: Call
    variables: Mapping[str, str]
    serves: Sequence[int] = media.COMPATIBLE

    @property
    def target(self) -> str:
        """The raw target, with its query."""
        return self.call.target

    @property
    def path(self) -> str:
        """The decoded path."""
        return unescape(split_target(self.target)[0])

    @cached_property
    def query(self) -> Mapping[str, str]:
        """All parameters of the query. Raises `ElasticError` 400 for a broken escape."""
        return parse_query(split_target(self.target)[1])

    @cached_property
    def params(self) -> Params:
        """The parameters, to be read one by one. One that is named like a part of the path is not there: the path's
        value has overwritten it."""
        return Params({name: value for name, value in self.query.items() if name not in self.variables})

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.call.headers if key.lower() == wanted), None)

    @cached_property
    def media(self) -> media.Negotiated:
        """How the body reads and how the answer is written. Raises `ElasticError` 400."""
        return media.negotiate(
            self.header("content-type"),
            self.header("accept"),
            has_body=bool(self.call.body),
            format=self.query.get("format"),
            serves=self.serves,
        )

    @cached_property
    def body(self) -> bytes:
        """The body, decompressed. Raises `Failure` 400 where that fails."""
        encoding = (self.header("content-encoding") or "identity").strip().lower()
        try:
            if encoding == "gzip":
                return gzip.decompress(self.call.body)
            return zlib.decompress(self.call.body) if encoding == "deflate" else self.call.body
        except (OSError, EOFError, zlib.error) as fault:
            raise Failure(400, "parse_exception", f"cannot decompress the body: {fault}") from fault

    def content(self) -> Json:
        """The body parsed, or None without one. Raises `Failure` 406 for a type not taken, `ElasticError` 400 for
        broken content."""
        if not self.body:
            return None
        declared = self.header("content-type")
        refused = media.unreadable(declared, self.media.body)
        if refused is not None or self.media.body is None:
            raise Plain(406, refused or "")
        return media.decode(self.media.body, self.body)

    def record(self) -> dict[str, Any] | None:
        """The body as an object, or None without one. Raises `Failure` 400 for anything else."""
        value = self.content()
        if value is not None and not isinstance(value, dict):
            raise Failure(400, "parsing_exception", "Failed to parse object: expecting token of type [START_OBJECT]")
        return value

    def refuse_unknown(self, value: Mapping[str, Any], known: Collection[str], parser: str) -> None:
        """Raise 400 for the first field that is not in `known`, with its place in the body (`ObjectParser`)."""
        for name in value:
            if name not in known:
                found = hint(name, known)
                text = f"{_place(self.body, name)} [{parser}] unknown field [{name}]{' ' if found else ''}{found}"
                raise Failure(400, "x_content_parse_exception", text)


def _place(body: bytes, name: str) -> str:
    quoted = json.dumps(name).encode()
    before = body.partition(quoted)[0] if quoted in body else b""
    last_line = before.rpartition(b"\n")[2]
    return f"[{before.count(bytes([10])) + 1}:{len(last_line) + 1}]"
