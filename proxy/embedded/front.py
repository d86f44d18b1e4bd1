"""The layer in front of a backend: authenticate, authorise, then answer from here or hand on."""

import logging
from collections.abc import Sequence

from proxy.embedded.answers import PRODUCT, answer, failed
from proxy.embedded.backend import Answer, Call
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.media import COMPATIBLE
from proxy.embedded.core.request import split_target
from proxy.embedded.endpoint import Context, Endpoint, World
from proxy.embedded.failure import Failure, Plain
from proxy.embedded.features import add_features
from proxy.embedded.ml.api import add_machine_learning
from proxy.embedded.node import lacks_handler
from proxy.embedded.request import Request
from proxy.embedded.routes import Routes
from proxy.embedded.security.api import add_security
from proxy.embedded.security.authenticate import Caller, authenticate
from proxy.errors import Refusal
from proxy.privileges import Undecidable

# What the clients of 9.x ask for; an 8.x refuses it.
_COMPATIBLE_WITH_9 = "compatible-with=9"

logger = logging.getLogger(__name__)


class Front:
    """One embedded cluster, a call at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._table: Routes[Endpoint] = Routes()
        self._own = ["_ml", "_xpack", "_license"]
        add_features(self._table)
        add_machine_learning(self._table)
        if world.security is not None:
            self._own.append("_security")
            add_security(self._table)

    async def call(self, call: Call) -> Answer:
        """The answer to a call, errors included: nothing is raised."""
        request = Request(call, {})
        try:
            request = Request(call, {}, await self._served(call))
            return await self._routed(request)
        except (Refusal, ElasticError) as failure:
            return failed(request, failure)
        except Undecidable as doubt:
            # A pattern that the privileges library cannot judge exactly: what is in doubt is denied.
            return failed(request, Failure(403, "security_exception", str(doubt)))
        except Exception as fault:
            logger.exception("%s %s", call.method, call.target)
            return failed(request, Failure(500, "exception", f"{type(fault).__name__}: {fault}"))

    async def _served(self, call: Call) -> Sequence[int]:
        """The REST API versions that the node behind serves: its own major number and the one before. The node is asked
        only where a call names one that an 8.x does not know."""
        named = " ".join(value for name, value in call.headers if name.lower() in ("accept", "content-type"))
        if _COMPATIBLE_WITH_9 not in named:
            return COMPATIBLE
        major = int((await self.world.node.version()).partition(".")[0])
        return (major, major - 1) if major > COMPATIBLE[0] else COMPATIBLE

    async def _routed(self, request: Request) -> Answer:
        path = split_target(request.target)[0]
        if request.call.method == "OPTIONS":
            return await self._options(request, path)
        # Before anything else, as in recent versions: even a path that leads nowhere is told only to who is known.
        caller = None if self.world.security is None else authenticate(self.world.security, request)
        found = self._table.match(request.call.method, path)
        if found is not None and found.value is not None:
            return await self._answered(Request(request.call, found.variables, request.serves), found.value, caller)
        if found is not None:
            raise _wrong_method(request, found.allowed)
        if path.lstrip("/").split("/")[0] in self._own or self._unknown_security(path):
            raise Plain(400, _no_handler(request), told=False)
        return await self._passed(request, caller)

    def _unknown_security(self, path: str) -> bool:
        # A node without security has none of these routes; one in front of which we stand does not either.
        return path.strip("/").split("/")[0] == "_security"

    async def _answered(self, request: Request, endpoint: Endpoint, caller: Caller | None) -> Answer:
        context = Context(request, self.world, caller)
        endpoint.authorise(context)
        status, value = await endpoint.handler(context)
        return answer(request, value, status)

    async def _passed(self, request: Request, caller: Caller | None) -> Answer:
        backend = self.world.seen_by(None if caller is None else caller.primary)
        answered = await backend.call(request.call)
        root = split_target(request.target)[0] in ("/", "")
        if root and request.call.method in ("GET", "HEAD") and lacks_handler(answered):
            return answer(request, await self.world.node.root())
        return answered

    async def _options(self, request: Request, path: str) -> Answer:
        found = self._table.match("OPTIONS", path)
        if found is None:
            return await self.world.backend.call(request.call)
        allow = ("Allow", ",".join(found.allowed))
        return Answer(status=200, headers=(PRODUCT, allow, ("content-type", "text/plain; charset=UTF-8")))


def _no_handler(request: Request) -> str:
    return f"no handler found for uri [{request.target}] and method [{request.call.method}]"


def _wrong_method(request: Request, allowed: tuple[str, ...]) -> Plain:
    names = ", ".join(allowed)
    text = f"Incorrect HTTP method for uri [{request.target}] and method [{request.call.method}], allowed: [{names}]"
    return Plain(405, text, headers=(("Allow", ",".join(allowed)),))
