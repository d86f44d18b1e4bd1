"""The calls about rules: their texts, what each of them did, and trying a case."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web

from proxy.control.answers import answer, error
from proxy.control.peer import PEER
from proxy.gate.rule_counts import RuleCounts
from proxy.gate.rules_in_force import RulesInForce
from proxy.gate.standing import Trigger
from proxy.gate.trial import CASE_BYTES, NotTried, Trials

# Of who asks for a reload: a name and a realm.
BY_CHARS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Who wants the rules to be read again, where the caller asks for somebody else."""

    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCalls:
    """Answers calls about rules."""

    rules: RulesInForce
    counts: Callable[[], RuleCounts] | None = None
    trials: Trials | None = None

    def routes(self) -> list[web.RouteDef]:
        """The calls and their handlers."""
        return [
            web.get("/v1/rules", self._show, allow_head=False),
            web.get("/v1/rules/files", self._files, allow_head=False),
            web.get("/v1/rules/counts", self._counts, allow_head=False),
            web.post("/v1/rules/reload", self._reload),
            web.post("/v1/rules/try", self._try),
        ]

    async def _show(self, _request: web.Request) -> web.Response:
        return answer(200, self.rules.standing())

    async def _files(self, _request: web.Request) -> web.Response:
        return answer(200, self.rules.texts())

    async def _counts(self, _request: web.Request) -> web.Response:
        return answer(200, self.counts()) if self.counts is not None else error(404, "this gate counts nothing")

    async def _reload(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            wish = msgspec.json.decode(body, type=Reload) if body else Reload()
        except msgspec.DecodeError as failure:
            return error(400, f"who asks cannot be read: {failure}")
        if len(wish.by) > BY_CHARS or not wish.by.isprintable():
            return error(400, f"`by` may have {BY_CHARS} printable characters")
        peer = str(request[PEER])
        attempt = await self.rules.reload(Trigger.CONTROL, f"{wish.by}, by way of {peer}" if wish.by else peer)
        return answer(422 if attempt.refused else 200, attempt)

    async def _try(self, request: web.Request) -> web.Response:
        if self.trials is None:
            return error(404, "this gate tries no cases")
        # More than other calls may have, so that it is read by hand.
        content = bytearray()
        async for chunk in request.content.iter_any():
            content += chunk
            if len(content) > CASE_BYTES:
                return error(413, f"a case may have {CASE_BYTES:,} bytes")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as failure:
            return error(422, f"a case is UTF-8, and this is not (byte 0x{content[failure.start]:02x})")
        try:
            trial = await self.trials.run(self.rules.current, text)
        except NotTried as failure:
            return error(429 if failure.busy else 422, str(failure))
        return answer(422 if trial.faults else 200, trial)
