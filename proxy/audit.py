"""The journal for human eyes: a table of starts, and one start in full."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from proxy import columns
from proxy.columns import Cell
from proxy.journal.entry import Phase
from proxy.journal.read import Start
from proxy.text import plain

RECEIPT_SHOWN = 12
HEADINGS = ("time (UTC)", "result", "status", "user", "job", "destination", "job ended", "receipt")
WHO = {"secondary": "secondary identity", "owner": "job's owner"}
PLANS = {"create": "not created", "existing": "used as it is", "leave": "left as it is"}
STYLES = {
    "granted": "green",
    "planned": "green",
    "explained": "green",
    "denied": "red",
    "refused": "yellow",
    "unknown": "magenta",
    "open": "magenta",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One start in a line: `time` is in UTC, `result` is one of STYLES, `why` the reason where something went wrong."""

    time: str
    receipt: str
    user: str
    job: str
    result: str
    status: str
    destination: str
    ended: str
    why: str


def result(start: Start) -> str:
    """How a start ended for its caller: `granted`, `denied` by the rules, `refused` for another reason, `unknown`, or
    `open` where its outcome is not recorded; `planned` or `explained` where that alone was asked for, and told."""
    if Phase.OUTCOME not in start.records:
        return "open"
    record = start.records[Phase.OUTCOME]
    if record["event"]["outcome"] == "success" and _at(record, "startgate", "plan_only") is True:
        return "planned"
    if record["event"]["outcome"] == "success" and _at(record, "startgate", "explain_only") is True:
        return "explained"
    if record["event"]["outcome"] != "failure":
        return "granted" if record["event"]["outcome"] == "success" else "unknown"
    return "refused" if _at(record, "startgate", "verdict", "allowed") is not False else "denied"


def row(start: Start, shown: int = RECEIPT_SHOWN) -> Row:
    """A start as a line of the table, with so many characters of its receipt."""
    first = start.records.get(Phase.OUTCOME) or start.latest
    return Row(
        time=str(first["@timestamp"])[:19].replace("T", " "),
        receipt=start.receipt[:shown],
        user=str(_at(first, "user", "name") or "-"),
        job=str(_at(first, "startgate", "job", "id") or "-"),
        result=result(start),
        status=str(_at(first, "http", "response", "status_code") or "-"),
        destination=_destination(first),
        ended=_ended(start),
        why=_why(start),
    )


def table(starts: Sequence[Start], indent: str = "") -> list[Text]:
    """All starts as lines, in the order given; why one was not granted stands in a line of its own below it."""
    shown = distinct([start.receipt for start in starts])
    kept = [row(start, shown) for start in starts]
    cells = [
        (
            one.time,
            Cell(one.result, STYLES[one.result]),
            one.status,
            one.user,
            one.job,
            one.destination,
            one.ended,
            one.receipt,
        )
        for one in kept
    ]
    head, *body = columns.lines(HEADINGS, cells, indent)
    lines = [head]
    for one, line in zip(kept, body, strict=True):
        lines.append(line)
        if one.why:
            lines.append(Text(f"{indent}    {plain(one.why)}", style="dim"))
    return lines


def distinct(receipts: Sequence[str]) -> int:
    """How many characters tell these receipts apart, RECEIPT_SHOWN at least: they begin with the time, and two starts
    may come in one millisecond."""
    length, longest = RECEIPT_SHOWN, max(map(len, receipts), default=0)
    while length < longest and len({one[:length] for one in receipts}) < len(set(receipts)):
        length += 1
    return length


def details(start: Start) -> Iterator[tuple[str, str]]:
    """One start in full, as pairs of heading and plain text; what is not recorded is left out."""
    return ((heading, plain(text)) for heading, text in _details(start))


def _details(start: Start) -> Iterator[tuple[str, str]]:
    record = start.records.get(Phase.OUTCOME) or start.latest
    yield "receipt", start.receipt
    yield "time", str(record["@timestamp"])
    yield "result", f"{result(start)} {_at(record, 'http', 'response', 'status_code') or ''}".strip()
    yield from _present("reason", _at(record, "event", "reason"))
    yield from _present("request", _at(record, "url", "path"))
    yield from _present("from", _at(record, "source", "address"))
    for heading in ("caller", "secondary"):
        yield from _present(heading, _identity(_at(record, "startgate", heading)))
    yield from _present("job owner", _owner(_at(record, "startgate", "owner")))
    yield from _present("decided on", _subjects(_at(record, "startgate", "subjects")))
    yield from _job(_at(record, "startgate", "job") or {})
    for reason in _at(record, "startgate", "verdict", "reasons") or ():
        yield "verdict", f"{reason['text']} ({reason['rule']})" if "rule" in reason else str(reason["text"])
    yield from _present("break-glass", _exception(_at(record, "startgate", "verdict", "exception")))
    yield from _present("rules", _at(record, "startgate", "rules", "revision"))
    yield from _plan(_at(record, "startgate", "destination") or {})
    if end := start.records.get(Phase.END):
        state = _at(end, "startgate", "end", "state") or "not known"
        reason = _at(end, "event", "reason")
        yield "job ended", f"{end['@timestamp']} {state}{f': {reason}' if reason else ''}"


def _present(heading: str, value: object) -> Iterator[tuple[str, str]]:
    if value:
        yield heading, str(value)


def _job(job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sources = ", ".join(job.get("sources", ()))
    if job.get("id"):
        yield "job", f"{job['id']} ({job['analysis']})" if "analysis" in job else str(job["id"])
    if sources:
        yield "copies", f"{sources} -> {job.get('destination')}"


def _plan(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not plan:
        return
    yield "destination", f"{plan.get('index')}, {_planned(plan)}: {plan.get('why')}"
    yield from _present("created as", plan.get("created_as"))
    yield from _present("removal", plan.get("removal"))
    yield from _present("body sha256", plan.get("body_sha256"))


def _ended(start: Start) -> str:
    if Phase.END not in start.records:
        return "-"
    return str(_at(start.records[Phase.END], "startgate", "end", "state") or "not known")


def _destination(record: Mapping[str, Any]) -> str:
    plan = _at(record, "startgate", "destination") or {}
    if not plan:
        return "-"
    return f"{plan.get('index')} ({_planned(plan)})"


def _planned(plan: Mapping[str, Any]) -> str:
    step = str(plan.get("plan"))
    return "created" if plan.get("created") else PLANS.get(step, step)


def _why(start: Start) -> str:
    record = start.records.get(Phase.OUTCOME) or start.latest
    end = start.records.get(Phase.END, {})
    # That a job ended as it should needs no reason.
    reason = _at(end, "event", "reason") if _at(end, "event", "outcome") != "success" else None
    verdict = _at(record, "startgate", "verdict", "reasons") or ()
    return str(reason or _at(record, "event", "reason") or "; ".join(str(one["text"]) for one in verdict))


def _identity(who: Mapping[str, Any] | None) -> str:
    if not who:
        return ""
    realm = _at(who, "realm", "name")
    roles = ", ".join(who.get("roles", ())) or "no roles"
    return f"{who.get('name')} (realm {realm}; {roles})"


def _owner(who: Mapping[str, Any] | None) -> str:
    if not who:
        return ""
    rest = _at(who, "api_key", "id") or who.get("service_account") or ", ".join(who.get("roles", ()))
    return f"{who.get('kind')}: {rest}" if rest else str(who.get("kind"))


def _exception(used: Mapping[str, Any] | None) -> str:
    """The exception that let a start pass although the rules say no."""
    if not isinstance(used, Mapping):
        return ""
    return f"{used.get('id')} let it pass, signed by {used.get('signed_by')} ({used.get('rule')}): {used.get('reason')}"


def _subjects(subjects: Mapping[str, Any] | None) -> str:
    if not subjects:
        return ""
    asked = " and ".join(f"the {WHO.get(one, one)}" for one in subjects.get("asked", ()))
    through = ", for whom a trusted intermediary asked" if subjects.get("intermediary") else ""
    return f"the index privileges of {asked}{through}"


def _at(record: Mapping[str, Any], *keys: str) -> Any:  # noqa: ANN401 -- a record is decoded JSON
    """The value under nested keys; None where a level is missing."""
    value: Any = record
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
