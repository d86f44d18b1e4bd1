"""Puts observed calls on record: who made, changed, stopped or removed a job, and what has become of it.

The call has been answered by the cluster when this hears of it, so nothing here can refuse it. Who called is asked of
the cluster at once, with the caller's own headers; what cannot be found out stands in the record as such.
See docs/decisions/117-how-calls-are-observed.md.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from proxy.errors import JournalError, Refusal, StartgateError
from proxy.gate import observe_record
from proxy.gate.escapes import decode_path
from proxy.gate.flight import Credentials
from proxy.gate.identify import credentials_of
from proxy.gate.observe_owners import Owners
from proxy.gate.observe_record import Who, outcome_of
from proxy.gate.ports import Clock, Cluster, Identities, Journal
from proxy.gate.record_request import request_fields, way_fields
from proxy.gate.request import SECONDARY_HEADER, Arrived, header_text
from proxy.journal.mask import is_mask
from proxy.model import Identity, Job
from proxy.notes import Gap, Note
from proxy.route.table import PUT, UPDATE

logger = logging.getLogger(__name__)

# 9.1 ends the path at its first `#`; in no version does the id of a job hold one.
_PATH_END = re.compile(r"[?#]")


class Observer:
    """Records what edge workers tell. `repeated` says of a peer's address that one more call that nobody is known to
    have made, and that the cluster refused, is only counted."""

    def __init__(
        self,
        cluster: Cluster,
        journal: Journal,
        clock: Clock,
        *,
        service: str | None,
        own: Identities | None,
        owners: Owners,
        repeated: Callable[[str], bool],
    ) -> None:
        self._cluster = cluster
        self._journal = journal
        self._clock = clock
        self._service = service
        self._own = own
        self._owners = owners
        self._repeated = repeated

    async def note(self, note: Note) -> None:
        """Put one call on record. Raises JournalError: it is not."""
        job_id = job_id_of(note.target)
        changes = note.action in (PUT, UPDATE) and not note.refused
        # The call's answer may have gone out already, and a start come behind it.
        with self._owners.unsure_of(job_id) if changes else nullcontext():
            await self._put_on_record(note, job_id)

    async def _put_on_record(self, note: Note, job_id: str) -> None:
        arrived = arrived_of(note)
        if note.status == 401 and self._repeated(_address(note)):
            return
        try:
            who, job = await self._found_out(note, arrived, job_id)
        except Exception as failure:  # whatever cannot be found out: that there was a call is known
            logger.error("an observed call could not be looked into", exc_info=failure)
            who, job = Who(problem="the gate failed at finding out; its log says why"), ""
        if note.status != 401 and _is_nobodys(note, who) and self._repeated(_address(note)):
            if not note.refused:
                self._owners.doubt(job_id)
            return
        request = {**request_fields(arrived), "startgate": way_fields(arrived)}
        entry = observe_record.observed(note, arrived.receipt, job_id, who, job, request, self._clock.now_ms())
        try:
            await self._journal.append(entry)
        except JournalError:
            # Told as a gap later; until then nobody must be called an owner who may be none any more.
            if not note.refused:
                self._owners.missed(note.answered_ms, (note.action,), now_ms=self._clock.now_ms())
            raise
        self._owners.take(_without_pretence(entry, who))

    async def gap(self, gap: Gap) -> None:
        """Put on record that calls passed which are not. Raises JournalError: it is not."""
        now_ms = self._clock.now_ms()
        self._owners.missed(gap.until_ms, gap.calls, now_ms=now_ms)
        await self._journal.append(observe_record.missed(gap, secrets.token_hex(16), now_ms))

    async def _found_out(self, note: Note, arrived: Arrived, job_id: str) -> tuple[Who, Job | str]:
        by = "secondary" if arrived.header(SECONDARY_HEADER) else "caller"
        if note.status == 401:
            return Who(by=by, problem="the cluster did not accept the credentials"), ""
        try:
            credentials = credentials_of(arrived, self._service, own=self._own is not None)
        except Refusal as refusal:
            return Who(by=by, problem=refusal.reason, stranger=refusal.status == 401), ""
        wanted = note.action in (PUT, UPDATE) and outcome_of(note.status) == "success"
        who, job = await asyncio.gather(
            self._who(arrived, credentials, by), self._job(job_id, credentials) if wanted else _nothing()
        )
        return who, job

    async def _who(self, arrived: Arrived, credentials: Credentials, by: str) -> Who:
        try:
            if self._own is not None:
                caller, secondary = await self._own.identify(
                    arrived.headers, peer=arrived.peer, certificate=arrived.certificate, target=arrived.target
                )
                return Who(by=by, caller=caller, secondary=secondary)
        except StartgateError as failure:
            return Who(by=by, problem=str(failure))
        asked = [one for one in (credentials.caller, credentials.secondary) if one is not None]
        found = await asyncio.gather(*(self._cluster.identify(one) for one in asked), return_exceptions=True)
        known: dict[str, Identity] = {}
        problems = []
        for credential, one in zip(asked, found, strict=True):
            if isinstance(one, StartgateError):
                problems.append(f"{credential.whose}: {one}")
            elif isinstance(one, BaseException):
                raise one
            else:
                known[credential.whose] = one
        return Who(
            by=by,
            caller=known.get("caller"),
            secondary=known.get("secondary"),
            problem="; ".join(problems),
            stranger=isinstance(found[0], Refusal) and found[0].status == 401,
        )

    async def _job(self, job_id: str, credentials: Credentials) -> Job | str:
        """What the job has become, or why that is not known. Whoever may change jobs need not be allowed to see them,
        so the service is asked next."""
        problem = ""
        for credential in (credentials.caller, credentials.service):
            if credential is not None:
                try:
                    return await self._cluster.job(job_id, credential)
                except StartgateError as failure:
                    problem = problem or str(failure)
        return problem


async def _nothing() -> str:
    return ""


def _without_pretence(entry: Mapping[str, Any], who: Who) -> Mapping[str, Any]:
    """The record as it is to be remembered: without those who are named as only masks are, they or their API key. An
    owner's name may come from a record in which it was masked (`journal.mask`), and is not masked again."""
    told = (name for one in (who.caller, who.secondary) if one is not None for name in (one.username, one.api_key_name))
    if not any(is_mask(name) for name in told if name):
        return entry
    ours = {name: part for name, part in entry["startgate"].items() if name not in ("caller", "secondary")}
    ours["observed"] = {**ours["observed"], "unknown_who": "the name is one that only masks have"}
    return {**entry, "startgate": ours}


def _is_nobodys(note: Note, who: Who) -> bool:
    """Whether a call is one that anybody can make, any number of times: refused before its credentials were looked at,
    as a body that is no JSON is (RestController), or given up by a client whom the cluster does not know."""
    if who.caller is not None:
        return False
    return note.refused or (who.stranger and outcome_of(note.status) == "unknown")


def _address(note: Note) -> str:
    return note.peer.rpartition(":")[0]


def arrived_of(note: Note) -> Arrived:
    """The request as a start's would be told; the receipt is the record's id."""
    headers = tuple((_text(name), _text(value)) for name, value in note.headers)
    return Arrived(
        target=_text(note.target),
        headers=headers,
        peer=note.peer,
        front=note.front,
        receipt=secrets.token_hex(16),
        certificate=note.certificate,
    )


def _text(told: str) -> str:
    return header_text(told.encode("latin-1"))


def job_id_of(target: str) -> str:
    """The id, or expression, in the target of an observed call, decoded once as Elasticsearch does; as it came where
    its escapes are broken."""
    segment = (_PATH_END.split(_text(target), maxsplit=1)[0].split("/") + [""] * 5)[4]
    try:
        return decode_path(segment)
    except Refusal:
        return segment
