"""The index core behind the `Backend` border: one call in, one answer out (after RestController)."""

import logging
import time
from collections.abc import Callable

from proxy.embedded.backend import Answer, Call
from proxy.embedded.core import filtering, media, spelling
from proxy.embedded.core.failure import ElasticError, illegal
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.media import JSON, Media, Negotiated
from proxy.embedded.core.request import COMMON, Request, boolean, parse_query, split_target, unescape
from proxy.embedded.core.routes import ROUTER
from proxy.embedded.core.routing import Match, Reply
from proxy.embedded.core.store import Store

LOG = logging.getLogger(__name__)
PRODUCT = ("X-elastic-product", "Elasticsearch")
_PLAIN = "text/plain; charset=UTF-8"
# Handlers take a body's values as what they should be. Where Elasticsearch's parsers would find a number in place of an
# object they answer 400 too, in words of their own for each.
_MISSHAPEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_FLAGS = ("error_trace", "human", "pretty")


class Core:
    """An Elasticsearch 8.15 index core in process; implements `proxy.embedded.backend.Backend`.

    `clock` gives epoch seconds; with a `seed` every uuid and generated id is the same in each run.
    """

    def __init__(
        self,
        *,
        name: str = "embedded-1",
        cluster_name: str = "startgate-embedded",
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
    ) -> None:
        self.store = Store(name=name, cluster_name=cluster_name, clock=clock, seed=seed)

    async def call(self, call: Call) -> Answer:
        """Answer one call as Elasticsearch would; never raises for anything that a client sends."""
        return self.answer(call)

    async def close(self) -> None:
        """Nothing is held but memory."""

    def answer(self, call: Call) -> Answer:
        """The same as `call`, for callers that do not await."""
        written = _Writer(JSON, call.method)
        path, raw_query = split_target(call.target)
        try:
            query = parse_query(raw_query)
            types = _negotiate(call, query)
            written = _Writer(types.answer, call.method, query)
            decoded = unescape(path)
            match = ROUTER.find(call.method, path)
            if match is None:
                return _no_route(call, path, written)
            refusal = _unreadable(call, types)
            if refusal is not None:
                return written.reply(Reply(status=406, body={"error": refusal, "status": 406}))
            _check_parameters(decoded, query, match)
            request = Request(
                method=call.method,
                path=decoded,
                query=query,
                path_values=match.values,
                body=call.body,
                media=types.body,
            )
            return written.reply(match.handler(self.store, request), filtered=True)
        except ElasticError as fault:
            return written.reply(Reply(status=fault.status, body=fault.body()))
        except _MISSHAPEN as fault:
            LOG.warning("%s %s: a value of the body has a shape that is not foreseen", call.method, path, exc_info=True)
            refusal_of_shape = illegal(f"malformed request: {type(fault).__name__}: {fault}")
            return written.reply(Reply(status=400, body=refusal_of_shape.body()))


class _Writer:
    """Writes answers in the form that a request asked for."""

    def __init__(self, type: Media, method: str, query: dict[str, str] | None = None) -> None:
        query = query or {}
        self._type = type
        self._head = method == "HEAD"
        self._filters = [part for part in query.get("filter_path", "").split(",") if part]
        self._pretty = query.get("pretty") in ("", "true")

    def reply(self, reply: Reply, *, filtered: bool = False) -> Answer:
        """The bytes of a reply; `filtered` applies `filter_path`, which errors escape."""
        if isinstance(reply.body, str):
            return self._answer(reply, _PLAIN, reply.body.encode())
        body = self._filtered(reply.body) if filtered and reply.status < 400 else reply.body
        return self._answer(reply, self._type.header(), media.encode(self._type, body, pretty=self._pretty))

    def _filtered(self, body: Json) -> Json:
        if not self._filters:
            return body
        kept = filtering.filtered(body, self._filters)
        return ([] if isinstance(body, list) else {}) if kept is None else kept

    def _answer(self, reply: Reply, type: str, body: bytes) -> Answer:
        # Elasticsearch leaves the product header off answers that refuse for security or a block.
        product = () if reply.status in (401, 403) else (PRODUCT,)
        headers = (*product, *reply.headers, ("content-type", type))
        return Answer(status=reply.status, headers=headers, body=b"" if self._head else body)


def _header(call: Call, name: str) -> str | None:
    return next((value for key, value in call.headers if key.lower() == name), None)


def _negotiate(call: Call, query: dict[str, str]) -> Negotiated:
    for name in _FLAGS:
        if name in query:
            boolean(query[name])
    type = (
        query["source_content_type"]
        if "source" in query and not call.body and "source_content_type" in query
        else _header(call, "content-type")
    )
    return media.negotiate(type, _header(call, "accept"), has_body=bool(call.body), format=query.get("format"))


def _unreadable(call: Call, types: Negotiated) -> str | None:
    if not call.body:
        return None
    return media.unreadable(_header(call, "content-type"), types.body)


def _no_route(call: Call, path: str, written: _Writer) -> Answer:
    """A path or method that nothing handles: 400, 405, or the methods of the path for OPTIONS."""
    allowed = ROUTER.allowed(path)
    if call.method == "OPTIONS":
        return Answer(status=200, headers=(PRODUCT, ("Allow", ",".join(allowed)), ("content-type", _PLAIN)))
    if not allowed or call.method in allowed:
        error = f"no handler found for uri [{call.target}] and method [{call.method}]"
        return written.reply(Reply(status=400, body={"error": error}))
    error = f"Incorrect HTTP method for uri [{call.target}] and method [{call.method}], allowed: [{', '.join(allowed)}]"
    headers = (("Allow", ",".join(allowed)),)
    return written.reply(Reply(status=405, body={"error": error, "status": 405}, headers=headers))


def _check_parameters(path: str, query: dict[str, str], match: Match) -> None:
    """Raise ElasticError 400 for parameters that the route does not read."""
    readable = {*COMMON, *match.route.parameters}
    unknown = sorted(set(query) - readable - set(match.values))
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        listed = ", ".join(f"[{name}]{_hint(name, readable)}" for name in unknown)
        raise illegal(f"request [{path}] contains unrecognized parameter{plural}: {listed}")


def _hint(name: str, readable: set[str]) -> str:
    hint = spelling.hint(name, readable)
    return f" -> {hint}" if hint else ""
