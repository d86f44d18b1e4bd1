"""Asks a running Startgate's admin port how it is."""

import aiohttp
import msgspec

from proxy.admin.health import STARTS, Health
from proxy.errors import CannotServe, ExitStatus
from proxy.settings import Listen

# All processes have two seconds to answer, and the nodes three to be connected to.
ASK_S = 15.0
# What is listened on at every address is asked for at this machine's own.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 -- nothing is bound here


async def ask(listen: Listen, wanted: str = STARTS) -> Health:
    """How everything stands. Raises CannotServe where nobody answers, or somebody else does."""
    host = _ANY.get(listen.host, listen.host)
    where = f"[{host}]:{listen.port}" if ":" in host else f"{host}:{listen.port}"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_S)) as session,
            session.get(f"http://{where}/health/ready", params={"for": wanted}) as response,
        ):
            body = await response.read()
    except TimeoutError:
        text = f"the admin port at {where} did not answer within {ASK_S:g} s"
    except aiohttp.ClientConnectorError as failure:
        why = failure.os_error.strerror or failure.os_error
        text = f"nobody answers at {where} ({why}): is `startgate serve` running with this configuration?"
    except aiohttp.ClientError as failure:
        text = f"the admin port at {where} gave no answer: {failure}"
    else:
        return _read(body, where)
    raise CannotServe(ExitStatus.UNREACHABLE, text)


def _read(body: bytes, where: str) -> Health:
    try:
        return msgspec.json.decode(body, type=Health)
    except msgspec.DecodeError:
        told = body.decode(errors="replace")[:500]
        text = f"what answers at {where} is no admin port of this version: {told}"
        raise CannotServe(ExitStatus.UNREACHABLE, text) from None
