"""Asks a running proxy for the plan of a start, or for its explanation, and never for the start itself."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from proxy.errors import CannotServe, ExitStatus

RECEIPT_HEADER = "X-Startgate-Receipt"
RUN_AS_HEADER = "es-security-runas-user"
# A plan about ten thousand sources is read in seconds; a slow cluster may take longer.
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for: `noun` in words, by `header` and `parameter`; the answer has `mark` and this `version`.

    The parameter protects who reaches Elasticsearch itself by mistake: that refuses what it does not know, where it
    would pass over the header and start the job.
    """

    noun: str
    header: str
    parameter: str
    mark: str
    version: int


PLAN = Wish(noun="plan", header="X-Startgate-Plan", parameter="startgate_plan", mark="plan_only", version=1)
EXPLANATION = Wish(
    noun="explanation",
    header="X-Startgate-Explain",
    parameter="startgate_explain",
    mark="explain_only",
    version=1,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whom to ask, and as whom: `url` is the proxy's base address, `authorization` the value of that header, None to
    send none; `run_as` names somebody else to be asked about; `context` is for https."""

    url: str
    authorization: str | None = field(default=None, repr=False)
    run_as: str | None = None
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the proxy answered: with status 200 the plan (docs/plan.md) or explanation (docs/explain.md), else why there
    is none."""

    status: int
    content: Mapping[str, Any]

    @property
    def would_succeed(self) -> bool:
        """Whether a start would succeed, as far as can be told before it."""
        return self.status == 200 and self.content.get("would_succeed") is True

    @property
    def allowed(self) -> bool:
        """Whether the rules allow the start, as an explanation says."""
        return self.status == 200 and self.content.get("allowed") is True


async def ask(job_id: str, asking: Asking, wish: Wish = PLAN) -> Told:
    """The plan or explanation for a job, or the refusal that a start would meet.

    Raises:
        CannotServe: nothing answered or the cluster did not (3); who asks is not known, or what answered is no
            Startgate that has such (2).
    """
    target = f"/_ml/data_frame/analytics/{quote(job_id, safe='')}/_start?{wish.parameter}=only"
    headers = {wish.header: "only", "Accept": "application/json"}
    if asking.authorization is not None:
        headers["Authorization"] = asking.authorization
    if asking.run_as is not None:
        headers[RUN_AS_HEADER] = asking.run_as
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
            session.post(
                URL(asking.url.rstrip("/") + target, encoded=True),
                headers=headers,
                ssl=asking.context or True,
                allow_redirects=False,
            ) as answer,
        ):
            return _told(wish, asking.url, answer.status, RECEIPT_HEADER in answer.headers, await answer.read())
    except (TimeoutError, aiohttp.ClientError, OSError) as failure:
        raise CannotServe(ExitStatus.UNREACHABLE, f"no {wish.noun} from {asking.url}: {_why(failure)}") from failure


def _why(failure: Exception) -> str:
    # What aiohttp says of a plain refusal is about its own workings; its subclasses name what is wrong.
    if type(failure) is aiohttp.ClientConnectorError and failure.errno:
        return os.strerror(int(failure.errno))
    return str(failure) or f"no answer within {TIMEOUT_S:g} s"


def _told(wish: Wish, url: str, status: int, receipt: bool, body: bytes) -> Told:
    content = _decoded(body)
    if status == 200:
        if content.get(wish.mark) is not True or content.get("version") != wish.version:
            text = (
                f"{url} answered with no {wish.noun} that this version understands: "
                "is Startgate there, and of this version?"
            )
            raise CannotServe(ExitStatus.INVALID, text)
        return Told(status=status, content=content)
    reason = _reason(content) or f"status {status}"
    if status >= 500:
        raise CannotServe(ExitStatus.UNREACHABLE, f"no {wish.noun} from {url}: {reason}")
    if status == 401:
        text = f"{url} does not know who asks (--user NAME or --api-key-file FILE says it): {reason}"
        raise CannotServe(ExitStatus.INVALID, text)
    if not receipt:
        text = f"{url} is no gate of Startgate's that has {wish.noun}s; nothing was started. It answered: {reason}"
        raise CannotServe(ExitStatus.INVALID, text)
    return Told(status=status, content=content)


def _decoded(body: bytes) -> Mapping[str, Any]:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _reason(content: Mapping[str, Any]) -> str:
    error = content.get("error", "")
    return str(error.get("reason", error) if isinstance(error, dict) else error)
