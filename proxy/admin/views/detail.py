"""One start in full, out of its records: who, why, when, what was planned, how it ended."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from proxy.admin.shown.starts import Judgement, Moment, StartDetail, Who
from proxy.admin.views.row import row_of
from proxy.journal.entry import LIST_LIMIT, TEXT_LIMIT_CHARS, Phase, time_ms
from proxy.journal.query import at, part, parts, texts
from proxy.journal.start import Start

ENFORCED: Final = "enforce"
# How a step's outcome and the mode of the guard that it is of go together (`rules.verdict.Outcome`).
_MODES: Final = {"warned": "warn", "shadow_denied": "shadow"}
_HELD: Final = frozenset({"passed"})
# The names of `startgate.timings_ms`, and what had been done by then.
STEPS: Final = {
    "identified": "it was known who asks for which job",
    "judged": "the rules had judged",
    "planned": "it was known what to do about the destination",
    "intended": "the intent was on disk",
    "prepared": "the destination was there",
    "forwarded": "the cluster had answered",
    "answered": "the answer was ready",
}


def detail_of(start: Start) -> StartDetail:
    """The start, opened."""
    told = start.told
    return StartDetail(
        row=row_of(start, sources=LIST_LIMIT + 1, reason=4 * TEXT_LIMIT_CHARS),
        open=start.open,
        who=tuple(_who(start)),
        peer=_text(_first(start, "source", "address")),
        opaque_id=_text(_first(start, "labels", "x_opaque_id")),
        trace_id=_text(_first(start, "trace", "id")),
        rules_revision=_text(_first(start, "startgate", "rules", "revision")),
        judgements=tuple(_judgements(_verdict(start))),
        timeline=tuple(_timeline(start)),
        plan=part(told, "startgate", "destination") or part(start.latest, "startgate", "destination"),
        end=part(start.records.get(Phase.END, {}), "startgate", "end"),
        records=tuple(start.records.values()),
    )


def _first(start: Start, *keys: str) -> object:
    """What the outcome says, else another record."""
    values = (at(record, *keys) for record in (start.told, *start.records.values()))
    return next((value for value in values if value not in (None, "")), None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _who(start: Start) -> Iterator[Who]:
    asked = {"caller": "caller", "secondary": "secondary"}
    for name in asked:
        if found := _part(start, name):
            yield Who(
                part=name,
                name=_text(found.get("name")),
                realm=_realm(found),
                roles=tuple(texts(found, "roles")),
                authentication=_text(found.get("authentication_type")),
                api_key=_api_key(part(found, "api_key")),
            )
    if owner := _part(start, "owner"):
        seen = part(owner, "seen")
        known = seen if seen.get("known") is True else {}
        yield Who(
            part="owner",
            name=_text(known.get("name") or owner.get("service_account")),
            realm=_realm(known),
            roles=tuple(texts(owner, "roles")),
            authentication=_text(owner.get("kind")),
            api_key=_api_key(part(owner, "api_key")),
        )
    subjects = _part(start, "subjects")
    if subjects.get("data"):
        yield Who(
            part="data subject",
            name=_text(at(_part(start, _text(subjects["data"])), "name")),
            realm=_realm(_part(start, _text(subjects["data"]))),
            roles=(),
            authentication=_text(subjects["data"]),
            api_key="",
        )


def _part(start: Start, name: str) -> Mapping[str, Any]:
    found = (part(record, "startgate", name) for record in (start.told, *start.records.values()))
    return next((one for one in found if one), {})


def _verdict(start: Start) -> Mapping[str, Any]:
    return _part(start, "verdict")


def _realm(who: Mapping[str, Any]) -> str:
    realm, own = _text(at(who, "realm", "name")), _text(at(who, "run_as", "lookup_realm"))
    return f"{own}, by the credentials of one of {realm}" if own else realm


def _api_key(key: Mapping[str, Any]) -> str:
    id, name = _text(key.get("id")), _text(key.get("name"))
    return f"{id} [{name}]" if name else id


def _judgements(verdict: Mapping[str, Any]) -> Iterator[Judgement]:
    """The steps of the verdict, each with its rule; of an older record, or where steps were left out, the reasons and
    what guards in other modes said."""
    steps = parts(verdict, "steps")
    for step in steps:
        outcome = _text(step.get("outcome"))
        mode = _MODES.get(outcome, ENFORCED)
        text = _text(step.get("text"))
        held = outcome in _HELD
        shown = text if held or outcome in ("denied", *_MODES) else f"{text} ({outcome.replace('_', ' ')})"
        yield Judgement(text=shown, held=held, mode=mode, rule=_text(step.get("rule")))
    told = {_text(step.get("text")) for step in steps}
    for reason in parts(verdict, "reasons"):
        if not steps or (verdict.get("steps_left_out") and _text(reason.get("text")) not in told):
            yield Judgement(text=_text(reason.get("text")), held=False, mode=ENFORCED, rule=_text(reason.get("rule")))
    ids = {step.get("id") for step in steps}
    for name, mode in (("warnings", "warn"), ("shadowed", "shadow")):
        for guard in parts(verdict, name):
            if guard.get("id") not in ids:
                yield Judgement(text=_text(guard.get("message")), held=False, mode=mode, rule=_text(guard.get("rule")))
    exception = part(verdict, "exception")
    if exception:
        text = (
            f"break-glass {_text(exception.get('id'))} let it pass, signed by "
            f"{_text(exception.get('signed_by'))}: {_text(exception.get('reason'))}"
        )
        yield Judgement(text=text, held=True, mode="exception", rule=_text(exception.get("rule")))


def _timeline(start: Start) -> Iterator[Moment]:
    """What happened, in its order, from the arrival on."""
    arrived = _time(_text(at(start.records.get(Phase.OUTCOME, {}), "event", "start")))
    if arrived is None:
        # A crash came before the outcome, which alone says when it arrived: what is first known is the intent.
        arrived = _time(_text(start.records.get(Phase.INTENT, {}).get("@timestamp")))
    path = _text(_first(start, "url", "path"))
    yield Moment(name="arrived", at_ms=0.0 if arrived is not None else None, duration_ms=None, text=path)
    yield from _steps(part(start.records.get(Phase.OUTCOME, {}), "startgate", "timings_ms"))
    if start.open:
        text = "the intent is on record, and what came of it is not"
        yield Moment(name="open", at_ms=None, duration_ms=None, text=text)
    yield from _follow_ups(start, arrived)
    end = start.records.get(Phase.END)
    if end is not None:
        at_ms = _since(arrived, end)
        text = _text(at(end, "event", "reason") or at(end, "startgate", "end", "state"))
        took = at(end, "event", "duration")
        ran_ms = round(took / 1e6, 3) if isinstance(took, int) else None
        yield Moment(name="ended", at_ms=at_ms, duration_ms=ran_ms, text=text)


def _steps(timings: Mapping[str, Any]) -> Iterator[Moment]:
    # Canonical JSON has them by name; of two in one moment, the earlier step is the first.
    order = [*STEPS]
    known = [(ms, order.index(name) if name in STEPS else len(order), name) for name, ms in timings.items()]
    before = 0.0
    for ms, _, name in sorted(one for one in known if isinstance(one[0], int | float)):
        yield Moment(name=name, at_ms=ms, duration_ms=round(ms - before, 3), text=STEPS.get(name, ""))
        before = ms


def _follow_ups(start: Start, arrived: int | None) -> Iterator[Moment]:
    """What was done, or found, after the answer."""
    outcome = start.records.get(Phase.OUTCOME, {})
    removal = at(outcome, "startgate", "destination", "removal")
    if at(outcome, "startgate", "reconciled") is not None:
        text = _text(at(outcome, "event", "reason"))
        yield Moment(name="looked at after a crash", at_ms=_since(arrived, outcome), duration_ms=None, text=text)
    if removal:
        yield Moment(name="destination removed", at_ms=None, duration_ms=None, text=_text(removal))
    end = start.records.get(Phase.END, {})
    again = at(end, "startgate", "end", "started_again_as") or at(
        outcome, "startgate", "reconciled", "started_again_as"
    )
    if again:
        yield Moment(name="started again", at_ms=None, duration_ms=None, text=f"as {_text(again)}")


def _since(arrived: int | None, record: Mapping[str, Any]) -> float | None:
    then = _time(_text(record.get("@timestamp")))
    return None if arrived is None or then is None else float(max(0, then - arrived))


def _time(text: str) -> int | None:
    try:
        return time_ms(text)
    except (ValueError, OverflowError):
        return None
