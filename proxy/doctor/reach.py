"""One connection to somebody, closed at once: whether it comes about, and the certificate that is shown."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Final

from proxy.preflight import in_words

REACH_S: Final = 5.0
CLOSE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """`why` says why nobody was reached, and is empty where somebody was; `certificate` is what was shown, in DER."""

    why: str = ""
    certificate: bytes | None = field(default=None, repr=False)


async def reach(host: str, port: int, context: ssl.SSLContext | None = None) -> Reached:
    """Connect, with TLS where there is a context, and close. Raises nothing."""
    try:
        async with asyncio.timeout(REACH_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except TimeoutError:
        return Reached(why=f"no connection within {REACH_S:g} s")
    except ssl.SSLError as failure:
        return Reached(why=in_words(str(failure)))
    except OSError as failure:
        return Reached(why=failure.strerror or str(failure))
    shown = writer.get_extra_info("ssl_object")
    certificate = None if shown is None else shown.getpeercert(binary_form=True)
    await _closed(writer)
    return Reached(certificate=certificate)


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Say goodbye, as TLS has it (RFC 8446 §6.1), and not wait long for a peer that does not answer that."""
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
