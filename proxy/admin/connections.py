"""Connections to the admin port's address: how many there are, how long a head may take, and what is told to somebody
who speaks no HTTP.

Whoever can connect can open thousands of connections and send nothing, or a byte now and then. So there is a bound, and
one that is idle makes room for a new one: who asks for something sends it at once, and finds a place.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from ssl import SSLContext
from typing import Final, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from proxy.admin.access.headers import HEADERS
from proxy.admin.api import ApiError
from proxy.admin.dispatch import error_answer

logger = logging.getLogger(__name__)

# From a connection's beginning, or its last answer, to the end of the next head.
HEAD_S: Final = 30.0
HANDSHAKE_S: Final = 10.0
# Whoever takes nothing of an answer for so long has gone: the kernel ends the connection (tcp(7), TCP_USER_TIMEOUT).
TAKE_S: Final = 60.0
BACKLOG: Final = 128
# Between two lines of the log about the same.
TOLD_EVERY_S: Final = 60.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Connection(web.RequestHandler):
    """One of them. What is no HTTP is answered as any other error, and not told in the log: anybody can send a thousand
    a second, and the library's text of it shows what was sent, which may be a token."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a head that cannot be read; what else goes wrong is the library's."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        logger.debug("a request from %s cannot be read: %s", request.remote, type(exc).__name__)
        response = error_answer(ApiError(exc.code, f"this is no request that can be read: {type(exc).__name__}"))
        response.headers.update(HEADERS)
        response.force_close()
        return response


class Connections:
    """All of an address: `most` at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._asked: dict[object, web.Request] = {}
        self._told_s: float | None = None

    @web.middleware
    async def noted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A connection is not idle while its request is served."""
        self._asked[request.protocol] = request
        try:
            return await handler(request)
        finally:
            self._asked.pop(request.protocol, None)

    def maker(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        """What makes a connection's protocol, whenever somebody connects."""
        loop = asyncio.get_running_loop()

        def make() -> asyncio.Protocol:
            if not self._is_room(server.connections):
                self._full()
                return _Refused()
            # No log of requests: the library takes None for that, and does not say so in its types.
            log = cast(logging.Logger, None)
            return Connection(server, loop=loop, keepalive_timeout=HEAD_S, access_log=log)

        return make

    def _is_room(self, there: Iterable[web.RequestHandler]) -> bool:
        """Whether there may be one more. The idle one that is there for longest is ended for it."""
        mine = [one for one in there if isinstance(one, Connection) and one.transport is not None]
        if len(mine) < self._most:
            return True
        idle = next((one for one in mine if self._is_idle(one)), None)
        if idle is None or idle.transport is None:
            return False
        # What it has not taken of its last answer, it will not take.
        idle.transport.abort()
        idle.force_close()
        return True

    def _is_idle(self, one: web.RequestHandler) -> bool:
        """Nothing is being done for it: its head or its body has not come, or its answer is ready."""
        request = self._asked.get(one)
        return request is None or not request.content.is_eof()

    def _full(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._told_s is None or now_s - self._told_s >= TOLD_EVERY_S:
            self._told_s = now_s
            logger.warning("somebody was turned away: all %d connections are in use", self._most)


class _Refused(asyncio.Protocol):
    """One too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ends it."""
        cast(asyncio.Transport, transport).abort()


class Site(web.BaseSite):
    """Listens at an address, with TLS where `context` is given."""

    def __init__(
        self, runner: web.AppRunner, address: tuple[str, int], context: SSLContext | None, connections: Connections
    ) -> None:
        super().__init__(runner, ssl_context=context, backlog=BACKLOG)
        self._address = address
        self._connections = connections

    @property
    def name(self) -> str:
        """As a URL."""
        return "{}://{}:{}".format("https" if self._ssl_context else "http", *self._address)

    async def start(self) -> None:
        """Listen from now on. Raises OSError: the address cannot be had."""
        await super().start()
        server = self._runner.server
        assert server is not None  # noqa: S101 -- a site is made of a runner that was set up
        self._server = await asyncio.get_running_loop().create_server(
            self._connections.maker(server),
            *self._address,
            ssl=self._ssl_context,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE_S if self._ssl_context else None,
        )
        for listener in self._server.sockets:
            # Connections have it from whom they are accepted by.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(TAKE_S * 1000))
