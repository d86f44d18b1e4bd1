"""What a record holds of the request that it is about: an allow-list of headers, the path, and over whom it came."""

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote_plus as decoded

from proxy import clientcert
from proxy.gate.request import Arrived
from proxy.journal import entry
from proxy.tracing.w3c import Ids, parent_of

# What Elasticsearch's texts quote, and what of a query or a body they may quote in another way.
_QUOTED = re.compile(r"\[[^\]]*\]|'[^']*'")
_WORD = re.compile(r"[^\s\"'\\\[\]{}(),:;=&?/]{6,}")


def request_fields(arrived: Arrived) -> dict[str, Any]:
    """What a record holds of the request that it is about; the method is a start's."""
    fields: dict[str, Any] = {
        "source": _source(arrived.peer),
        "http": {"request": {"method": "POST"}},
        # Nor a fragment, which Elasticsearch 9.1 cuts off like a query.
        "url": {"path": entry.cut(arrived.path.partition("#")[0])},
    }
    agent, opaque = (arrived.header(name) for name in ("user-agent", "x-opaque-id"))
    if agent is not None:
        fields["user_agent"] = {"original": entry.cut(agent)}
    if opaque is not None:
        fields["labels"] = {"x_opaque_id": entry.cut(opaque)}
    ids = arrived.span or clients_span(arrived)
    if ids is not None:
        fields["trace"] = {"id": ids.trace_id}
        fields["span"] = {"id": ids.span_id}
    forwarded = arrived.header_values("x-forwarded-for")
    if forwarded:
        fields["client"] = {"address": entry.cut(", ".join(forwarded))}
    subject = _subject(arrived.certificate)
    if subject:
        fields["tls"] = {"client": {"subject": entry.cut(subject)}}
    return fields


def clients_span(arrived: Arrived) -> Ids | None:
    """The span that the client sent it in; None where it names none, or not one that can be read."""
    parent = parent_of(arrived.headers)
    return parent.ids if parent is not None else None


def _source(peer: str) -> dict[str, Any]:
    host, _, port = peer.rpartition(":")
    if not port.isdigit():
        return {"address": peer}
    try:
        # Without a zone (RFC 4007): an index takes no address that has one, and not the rest of the record either.
        ip = {"ip": str(ip_address(host.strip("[]").partition("%")[0]))}
    except ValueError:
        ip = {}
    return {"address": host, **ip, "port": int(port)}


def _subject(certificate: str) -> str:
    """The distinguished name in a client's certificate; what cannot be told of it stops nobody."""
    try:
        return clientcert.dn_text(clientcert.read(certificate)) if certificate else ""
    except ValueError:
        return ""


def way_fields(arrived: Arrived) -> dict[str, Any]:
    """Under `startgate`: over whom a request came, as far as they say so."""
    told: dict[str, Any] = {}
    entries = [one.strip() for value in arrived.header_values("x-forwarded-for") for one in value.split(",")]
    forwarded = {
        "for": entry.cut_list([one for one in entries if one]),
        "header": entry.cut_list(arrived.header_values("forwarded")),
    }
    if any(forwarded.values()):
        told["forwarded"] = {name: values for name, values in forwarded.items() if values}
    if arrived.front:
        told["front"] = {"address": entry.cut(_source(arrived.front)["address"])}
    return told


def without_quotes(text: str, arrived: Arrived) -> str:
    """A text on what is wrong with a request, without what it quotes of that's query and body."""
    # More than that is not kept in any case.
    path, text = decoded(arrived.path), text[: 4 * entry.TEXT_LIMIT_CHARS]
    text = _QUOTED.sub(lambda found: found[0] if found[0][1:-1] in path else f"{found[0][0]}…{found[0][-1]}", text)
    for word in sorted(set(_WORD.findall(f"{decoded(arrived.target)} {arrived.body!r}")), key=len, reverse=True):
        if word not in path:
            text = text.replace(word, "…")
    return text
