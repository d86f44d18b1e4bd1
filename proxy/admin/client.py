"""Asks a running Startgate's admin port, as commands do: over its Unix socket, over its address, or at a URL with a
token."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import aiohttp
import msgspec
from yarl import URL

from proxy.admin.api import ErrorAnswer
from proxy.admin.health import STARTS, Health
from proxy.errors import CannotServe, ExitStatus
from proxy.settings import AdminPort

T = TypeVar("T")

# All processes have two seconds to answer, and the nodes three to be connected to.
ASK_S: Final = 15.0
# What is listened on at every address is asked for at this machine's own.
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 -- nothing is bound here
SOCKET_URL: Final = "http://startgate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """An admin port: a base address with a token, or a Unix socket (then `url` is of no meaning). `ca` is a PEM file
    with the authorities of its certificate, None for those of the system."""

    url: str = SOCKET_URL
    socket: Path | None = None
    token: str = field(default="", repr=False)
    ca: str | None = None

    def __str__(self) -> str:
        """As it is told in messages."""
        return str(self.socket) if self.socket is not None else self.url.partition("://")[2]


class NobodyAnswers(CannotServe):
    """There is nobody at the place."""


class Refused(CannotServe):
    """The call is not served; `answer` says why."""

    def __init__(self, answer: ErrorAnswer, text: str) -> None:
        super().__init__(ExitStatus.UNREACHABLE, text)
        self.answer = answer


def near(port: AdminPort) -> Where:
    """The admin port of a configuration, as this machine reaches it: the socket where there is one. Raises CannotServe:
    there is no way to know where it is."""
    if port.socket is not None and Path(port.socket).is_socket():
        return Where(socket=Path(port.socket))
    if not port.port:
        text = f"nobody answers at {port.socket}, and which port the system chose is only in the log"
        raise CannotServe(ExitStatus.UNREACHABLE, text)
    return _address(port)


def _address(port: AdminPort) -> Where:
    host = _ANY.get(port.host, port.host)
    scheme = "http" if port.tls is None else "https"
    return Where(url=f"{scheme}://[{host}]:{port.port}" if ":" in host else f"{scheme}://{host}:{port.port}")


async def get(where: Where, path: str, kind: type[T], parameters: Mapping[str, str] | None = None) -> T:
    """What a call of the API answers (`/v1/traffic`). Raises CannotServe: `NobodyAnswers`, or somebody else does; or
    `Refused`."""
    status, body = await _ask(where, path, parameters or {})
    return _answered(status, body, path, kind, where)


async def change(
    where: Where, method: str, path: str, kind: type[T], content: object = None, wait_s: float = ASK_S
) -> T:
    """What a call of the API answers that changes something, after `wait_s` seconds at most. `content` is its body,
    None where it has none. Raises as `get`."""
    sent = b"" if content is None else msgspec.json.encode(content)
    status, body = await _ask(where, path, {}, method=method, sent=sent, wait_s=wait_s)
    return _answered(status, body, path, kind, where)


def _answered(status: int, body: bytes, path: str, kind: type[T], where: Where) -> T:
    if status == 200:
        return _read(body, kind, where)
    error = _read(body, ErrorAnswer, where)
    hint = f" ({error.hint})" if error.hint else ""
    raise Refused(error, f"the admin port at {where} refuses {path}: {error.reason}{hint}")


async def ask(port: AdminPort, wanted: str = STARTS) -> Health:
    """How everything stands, as of a running Startgate with this configuration. Raises CannotServe where nobody
    answers, or somebody else does."""
    where = near(port)
    if where.socket is not None:
        try:
            return await get(where, "/v1/health", Health, {"wanted": wanted})
        except CannotServe:
            # A socket that a crash left behind, or another user's: what is open to everybody is asked instead.
            if not port.port:
                raise
            where = _address(port)
    _, body = await _ask(where, "/health/ready", {"for": wanted})
    return _read(body, Health, where)


async def _ask(
    where: Where,
    path: str,
    parameters: Mapping[str, str],
    *,
    method: str = "GET",
    sent: bytes = b"",
    wait_s: float = ASK_S,
) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {where.token}"} if where.token else {}
    if sent:
        headers["Content-Type"] = "application/json"
    url = URL(where.url + path, encoded=True)
    timeout = aiohttp.ClientTimeout(total=wait_s)
    try:
        async with (
            aiohttp.ClientSession(connector=_connector(where), timeout=timeout, headers=headers) as session,
            session.request(method, url, params=dict(parameters), data=sent or None, allow_redirects=False) as response,
        ):
            return response.status, await response.read()
    except TimeoutError:
        more = "" if method == "GET" else "; what was asked may still happen"
        text = f"the admin port at {where} did not answer within {wait_s:g} s{more}"
    except aiohttp.ClientConnectorCertificateError as failure:
        text = f"the certificate of the admin port at {where} is not trusted: {failure.certificate_error}"
    except aiohttp.ClientConnectorError as failure:
        why = failure.os_error.strerror or failure.os_error
        text = f"nobody answers at {where} ({why}): is `startgate serve` running with this configuration?"
        raise NobodyAnswers(ExitStatus.UNREACHABLE, text) from None
    except aiohttp.ClientError as failure:
        text = f"the admin port at {where} gave no answer: {failure}"
    raise CannotServe(ExitStatus.UNREACHABLE, text)


def _connector(where: Where) -> aiohttp.BaseConnector:
    if where.socket is not None:
        return aiohttp.UnixConnector(str(where.socket))
    if not where.url.startswith("https:"):
        return aiohttp.TCPConnector()
    try:
        return aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=where.ca))
    except OSError as failure:
        text = f"{where.ca} holds no CA certificate in PEM form ({failure})"
        raise CannotServe(ExitStatus.INVALID, text) from None


def _read(body: bytes, kind: type[T], where: Where) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        told = body.decode(errors="replace")[:500]
        text = f"what answers at {where} is no admin port of this version: {told}"
        raise CannotServe(ExitStatus.UNREACHABLE, text) from None
