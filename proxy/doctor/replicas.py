"""Other replicas, as their admin ports tell of them: whether they are there, of this version, with the same time."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Final

import aiohttp
import msgspec

from proxy.admin.health import Health
from proxy.doctor.model import Finding, fail, ok, skip, warn
from proxy.doctor.nodes import SKEW_S, beyond
from proxy.doctor.running import PACKAGE

ASK_S: Final = 15.0


async def examine(urls: Sequence[str], ca: str | None) -> list[Finding]:
    """Each replica by the base address of its admin port; `ca` is a PEM file with authorities. Raises OSError where
    that cannot be used."""
    if not urls:
        return [skip("replicas", "none were named", "--replica URL for the admin port of each other one")]
    context = ssl.create_default_context(cafile=ca)
    return list(await asyncio.gather(*(_replica(url.rstrip("/"), context) for url in urls)))


async def _replica(url: str, context: ssl.SSLContext) -> Finding:
    sent = time.time()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_S)) as session,
            session.get(f"{url}/health/ready", params={"for": "starts"}, ssl=context) as response,
        ):
            health = msgspec.json.decode(await response.read(), type=Health)
            date, got = response.headers.get("date"), time.time()
    except msgspec.DecodeError:
        return fail("replicas", f"{url}: what answers is no admin port of Startgate", "the base address of one")
    except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
        why = str(failure) or f"no answer within {ASK_S:g} s"
        return fail("replicas", f"{url}: {why}", "is it running, and its admin.listen reachable from here?")
    return _judged(url, health, _skew(date, sent, got))


def _skew(date: str | None, sent: float, got: float) -> float:
    """By how many seconds it is ahead, at least; 0 where it does not say."""
    if date is None:
        return 0.0
    # In whole seconds, cut off (RFC 9110 §6.6.1).
    skew = beyond(parsedate_to_datetime(date).timestamp(), {"sent": sent, "got": got})
    return skew if skew > 0 else min(skew + 1, 0)


def _judged(url: str, health: Health, skew: float) -> Finding:
    if abs(skew) > SKEW_S:
        seen = f"{url} is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
        return warn("replicas", seen, "have all follow the same time (NTP): their records are put in order by it")
    if health.version != version(PACKAGE):
        return warn("replicas", f"{url} is of version {health.version}", f"this one is {version(PACKAGE)}")
    if not health.ready:
        wrong = "; ".join(f"{one.name}: {one.reason}" for one in health.checks if not one.ok)
        return warn("replicas", f"{url} is not ready: {wrong}", "`startgate doctor` there")
    return ok("replicas", f"{url}: version {health.version}, ready, the same time")
