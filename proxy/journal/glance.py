"""A look at a line for what joining starts needs, at a part of the cost of decoding it.

What is not looked at is passed over unread: a line that is glanced at may still be no record, which shows when it is
decoded.
"""

from typing import NamedTuple

import msgspec

from proxy.journal.entry import NOT_LIFTED, Phase
from proxy.journal.query import Kind, at
from proxy.journal.read import decode


class Glance(NamedTuple):
    """A record of a start: its time, where it has one, and whether the end of a job may follow it."""

    phase: str
    receipt: str
    time: str | None
    may_end: bool


class _Event(msgspec.Struct, gc=False):
    outcome: str = ""


class _Destination(msgspec.Struct, gc=False):
    removal: str = ""


class _Ours(msgspec.Struct, gc=False):
    phase: str
    receipt: str
    plan_only: bool = False
    explain_only: bool = False
    destination: _Destination | None = None
    # Whatever has this is of no start.
    admin: msgspec.Raw | None = None


class _Record(msgspec.Struct, gc=False):
    startgate: _Ours
    event: _Event | None = None
    time: str | None = msgspec.field(name="@timestamp", default=None)


_decoder = msgspec.json.Decoder(_Record)


def glance(line: bytes) -> Glance | None:
    """What a line says; None where it is a record of no start.

    Raises:
        ValueError: it is no record.
    """
    try:
        record = _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # Another kind, fields of other types, or no record at all.
        return _slowly(line)
    ours = record.startgate
    if ours.admin is not None:
        return _slowly(line)
    outcome, removal = record.event.outcome if record.event else "", ours.destination and ours.destination.removal
    return Glance(
        ours.phase,
        ours.receipt,
        record.time,
        _may_end(ours.phase, outcome, removal or "", asked_only=ours.plan_only or ours.explain_only),
    )


def _slowly(line: bytes) -> Glance | None:
    kind, record = decode(line)
    if kind is not Kind.START:
        return None
    ours = record["startgate"]
    time, removal = record.get("@timestamp"), str(at(ours, "destination", "removal"))
    asked_only = bool(ours.get("plan_only") or ours.get("explain_only"))
    return Glance(
        ours["phase"],
        ours["receipt"],
        time if isinstance(time, str) else None,
        _may_end(ours["phase"], at(record, "event", "outcome"), removal, asked_only=asked_only),
    )


def _may_end(phase: str, outcome: object, removal: str, *, asked_only: bool) -> bool:
    """Whether a record of the end may follow: of a job that was started, or of a destination that was left blocked."""
    if phase != Phase.OUTCOME:
        return phase == Phase.INTENT
    return not asked_only and (outcome != "failure" or NOT_LIFTED in removal)
