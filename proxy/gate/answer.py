"""Words a refusal as Elasticsearch would: its body shape, its formats, its headers (RestResponse, RestChannel)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cbor2
import msgspec
import yaml

from proxy.errors import Refusal
from proxy.model import Answer
from proxy.rules import Verdict

RECEIPT_HEADER = "X-Startgate-Receipt"
# Of the text of one warning: what a guard cannot be told for may be long.
WARNING_CHARS = 1000
_TRUE = ("", "true")


def refused(refusal: Refusal, parameters: Mapping[str, str], accept: str | None, receipt: str) -> Answer:
    """The answer to a refused start.

    Honours `format`, `pretty` and `error_trace`; `filter_path` does not apply to errors, as in Elasticsearch. SMILE
    is answered in JSON.
    """
    body = refusal.body()
    if parameters.get("error_trace") in _TRUE and refusal.status != 401 and isinstance(body.get("error"), dict):
        body["error"] = {**body["error"], "stack_trace": f"{refusal.type}: {refusal.reason}\n\tat startgate.gate"}
    media_type, encoded = _encode(body, parameters, accept or "")
    headers = [(RECEIPT_HEADER, receipt), ("Content-Type", media_type), *refusal.headers]
    # Elasticsearch leaves its product header off where it does not know who asks (SecurityRestFilter).
    if refusal.status not in (401, 403):
        headers.insert(0, ("X-elastic-product", "Elasticsearch"))
    return Answer(status=refusal.status, headers=tuple(headers), body=encoded)


def told(content: Mapping[str, Any], parameters: Mapping[str, str], accept: str | None, receipt: str) -> Answer:
    """A 200 of the gate's own; honours `format` and `pretty` as `refused` does."""
    # Decoded anew, parts that stand in several places are no longer one: YAML would point from one to the other.
    media_type, encoded = _encode(msgspec.json.decode(msgspec.json.encode(content)), parameters, accept or "")
    own = (("X-elastic-product", "Elasticsearch"), (RECEIPT_HEADER, receipt), ("Content-Type", media_type))
    return Answer(status=200, headers=own, body=encoded)


def warned(answer: Answer, verdict: Verdict | None) -> Answer:
    """The answer with a `Warning` header for each guard that only warns, and for an exception that lets a start pass;
    those of the cluster stay."""
    if verdict is None:
        return answer
    texts = [f"[{one.id}] {one.message[:WARNING_CHARS]}" for one in verdict.warnings]
    if verdict.exception is not None:
        texts.append(f"[{verdict.exception.id}] break-glass exception: the rules deny this start and let it pass")
    headers = tuple(("Warning", f'299 Startgate "{_quotable(text)}"') for text in texts)
    return replace(answer, headers=(*answer.headers, *headers)) if headers else answer


def _quotable(text: str) -> str:
    """As Elasticsearch writes warnings (`HeaderWarning.escapeAndEncode`): quotes and backslashes are escaped, and what
    cannot stand in a quoted text (RFC 7230 §3.2.6), or is a percent sign, is told as bytes of UTF-8 (`%C3%A9`)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(
        char
        if (" " <= char <= "~" and char != "%")
        else "".join(f"%{byte:02X}" for byte in char.encode(errors="replace"))
        for char in escaped
    )


def _encode(body: Mapping[str, Any], parameters: Mapping[str, str], accept: str) -> tuple[str, bytes]:
    wanted = parameters.get("format") or accept
    if "yaml" in wanted:
        return "application/yaml", yaml.safe_dump(dict(body), explicit_start=True, sort_keys=False).encode()
    if "cbor" in wanted:
        return "application/cbor", cbor2.dumps(body)
    first = accept.partition(",")[0].strip()
    media_type = first if first.startswith("application/vnd.elasticsearch+json") else "application/json"
    if parameters.get("pretty") in _TRUE:
        text = json.dumps(body, indent=2, separators=(",", " : "), ensure_ascii=False) + "\n"
    else:
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return media_type, text.encode()
