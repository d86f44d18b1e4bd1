"""The journal for human eyes: a table of starts, and one start in full."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.text import Text

from proxy import columns
from proxy.columns import Cell
from proxy.journal.entry import Phase
from proxy.journal.events import Event
from proxy.journal.query import Kind, at, jobs, part, parts, result, texts, users
from proxy.journal.start import Start
from proxy.text import plain

RECEIPT_SHOWN = 12
# So many starts are laid out at a time: a table may have a million lines.
PAGE = 1000
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
OUTCOME_STYLES = {"success": "green", "failure": "red", "unknown": "magenta"}


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


def row(start: Start, shown: int = RECEIPT_SHOWN) -> Row:
    """A start as a line of the table, with so many characters of its receipt."""
    first = start.told
    return Row(
        time=str(first.get("@timestamp"))[:19].replace("T", " "),
        receipt=start.receipt[:shown],
        user=_known(start, "user", "name"),
        job=_known(start, "startgate", "job", "id"),
        result=result(start),
        status=str(at(first, "http", "response", "status_code") or "-"),
        destination=_destination(first),
        ended=_ended(start),
        why=_why(start),
    )


def _known(start: Start, *keys: str) -> str:
    """What the outcome says, else any other record: an outcome that was found after a crash knows little."""
    told = (at(record, *keys) for record in (start.told, *start.records.values()))
    return str(next((value for value in told if value), "-"))


def table(starts: Sequence[Start], indent: str = "") -> list[Text]:
    """All starts as lines, in the order given; why one was not granted stands in a line of its own below it."""
    return _page([row(start, len(start.receipt)) for start in starts], indent, [])[0]


def pages(starts: Iterable[Start]) -> Iterator[Text]:
    """The same of any number of starts, a page of which is in memory at a time; a later page's columns may be wider."""
    # Rows are a small part of the starts that they are made of.
    waiting = (row(start, len(start.receipt)) for start in starts)
    least: list[int] = []
    while page := list(islice(waiting, PAGE)):
        first = not least
        (head, *body), least = _page(page, "", least)
        yield from [head, *body] if first else body


def _page(kept: Sequence[Row], indent: str, least: Sequence[int]) -> tuple[list[Text], list[int]]:
    shown = max(distinct([one.receipt for one in kept]), least[-1] if least else 0)
    cells = [
        (
            one.time,
            Cell(one.result, STYLES[one.result]),
            one.status,
            one.user,
            one.job,
            one.destination,
            one.ended,
            one.receipt[:shown],
        )
        for one in kept
    ]
    head, *body = columns.lines(HEADINGS, cells, indent, least)
    lines = [head]
    for one, line in zip(kept, body, strict=True):
        lines.append(line)
        if one.why:
            lines.append(Text(f"{indent}    {plain(one.why)}", style="dim"))
    wide = columns.widths(HEADINGS, cells)
    return lines, [max(pair) for pair in zip(wide, least or wide, strict=True)]


def event_cells(event: Event) -> dict[str, str]:
    """One record of any kind by its headings: when, of which kind, what was done and how it went, who, and why."""
    record = event.record
    phase = at(record, "startgate", "phase") if event.kind is Kind.START else None
    return {
        "time": str(record.get("@timestamp") or ""),
        "kind": event.kind.value,
        "what": str(phase or at(record, "event", "action") or ""),
        "outcome": str(at(record, "event", "outcome") or ""),
        "user": str(next((name for name in users(record) if name), "")),
        "job": str(next((id for id in jobs(record) if id), "")),
        "id": str(at(record, "startgate", "receipt") or at(record, "event", "id") or ""),
        "reason": str(at(record, "event", "reason") or _of_itself(part(record, "startgate", "admin"))),
    }


def _of_itself(admin: Mapping[str, Any]) -> str:
    """What a change to Startgate or its journal was about, where no reason says so."""
    told = [*part(admin, "journal").items(), *((f"rules {key}", value) for key, value in part(admin, "rules").items())]
    # Hashes, texts of faults and the like are in the record itself.
    short = [(key, value) for key, value in told if not key.endswith("_hash") and isinstance(value, str | int)]
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in short)


def event_lines(event: Event) -> Iterator[Text]:
    """One record of any kind as a line, and below it why where that is told."""
    cells = {name: plain(text) for name, text in event_cells(event).items()}
    outcome = cells["outcome"]
    yield Text.assemble(
        (f"{cells['time'][:19].replace('T', ' ')}  ", "dim"),
        f"{cells['kind']:<8}  {cells['what']:<10}  ",
        (f"{outcome or '-':<7}", OUTCOME_STYLES.get(outcome, "")),
        f"  {cells['user'] or '-'}  {cells['job'] or '-'}  ",
        (cells["id"], "dim"),
    )
    if cells["reason"]:
        yield Text(f"    {cells['reason']}", style="dim")


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


def leaves(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Any record in full, as pairs of field and plain text."""
    for key, value in record.items():
        name = plain(f"{above}{key}")
        if isinstance(value, Mapping):
            yield from leaves(value, f"{name}.")
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            yield name, plain(", ".join(value))
        else:
            yield name, plain(value if isinstance(value, str) else json.dumps(value))


def _details(start: Start) -> Iterator[tuple[str, str]]:
    record = start.told
    yield "receipt", start.receipt
    yield "time", str(record.get("@timestamp"))
    yield "result", f"{result(start)} {at(record, 'http', 'response', 'status_code') or ''}".strip()
    yield from _present("reason", at(record, "event", "reason"))
    yield from _present("request", at(record, "url", "path"))
    yield from _request(record)
    for heading in ("caller", "secondary"):
        yield from _present(heading, _identity(part(record, "startgate", heading)))
    yield from _present("job owner", _owner(part(record, "startgate", "owner")))
    yield from _present("job last changed by", _seen(part(record, "startgate", "owner", "seen")))
    yield from _present("decided on", _subjects(part(record, "startgate", "subjects")))
    yield from _job(part(record, "startgate", "job"))
    for reason in parts(record, "startgate", "verdict", "reasons"):
        yield "verdict", f"{reason.get('text')} ({reason['rule']})" if "rule" in reason else str(reason.get("text"))
    for mode in ("warnings", "shadowed"):
        for guard in parts(record, "startgate", "verdict", mode):
            yield mode, f"{guard.get('message')} ({guard.get('rule')})"
    yield from _present("break-glass", _exception(part(record, "startgate", "verdict", "exception")))
    yield from _present("rules", at(record, "startgate", "rules", "revision"))
    yield from _plan(part(record, "startgate", "destination"))
    yield from _present("node", at(record, "startgate", "cluster", "node"))
    timings = part(record, "startgate", "timings_ms").items()
    # In the order in which they came, which canonical JSON does not keep.
    yield from _present("timings", ", ".join(f"{step} {ms} ms" for step, ms in sorted(timings, key=_milliseconds)))
    if end := start.records.get(Phase.END):
        state = at(end, "startgate", "end", "state") or "not known"
        reason = at(end, "event", "reason")
        yield "job ended", f"{end.get('@timestamp')} {state}{f': {reason}' if reason else ''}"
        yield from _outcome(part(end, "startgate", "end"))
    yield from _present("records", _places(start))


def _request(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What else the request said of itself."""
    yield from _present("from", at(record, "source", "address"))
    yield from _present("forwarded for", at(record, "client", "address"))
    yield from _present("front", at(record, "startgate", "front", "address"))
    yield from _present("certificate", at(record, "tls", "client", "subject"))
    yield from _present("user agent", at(record, "user_agent", "original"))
    yield from _present("opaque id", at(record, "labels", "x_opaque_id"))
    yield from _present("trace", at(record, "trace", "id"))


def _milliseconds(step: tuple[str, object]) -> float:
    """By which steps are in order; what is no number comes last."""
    return step[1] if isinstance(step[1], int | float) else math.inf


def _places(start: Start) -> str:
    """Where the chain has the records of a start."""
    known = ((str(phase), at(record, "startgate", "chain", "seq")) for phase, record in start.records.items())
    return ", ".join(f"{phase} {seq}" for phase, seq in known if seq is not None)


def _present(heading: str, value: object) -> Iterator[tuple[str, str]]:
    if value:
        yield heading, str(value)


def _job(job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sources = ", ".join(texts(job, "sources"))
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
    return str(at(start.records[Phase.END], "startgate", "end", "state") or "not known")


def _destination(record: Mapping[str, Any]) -> str:
    plan = part(record, "startgate", "destination")
    if not plan:
        return "-"
    return f"{plan.get('index')} ({_planned(plan)})"


def _planned(plan: Mapping[str, Any]) -> str:
    step = str(plan.get("plan"))
    return "created" if plan.get("created") else PLANS.get(step, step)


def _why(start: Start) -> str:
    record = start.told
    end = start.records.get(Phase.END, {})
    # That a job ended as it should needs no reason.
    reason = at(end, "event", "reason") if at(end, "event", "outcome") != "success" else None
    verdict = parts(record, "startgate", "verdict", "reasons")
    return str(reason or at(record, "event", "reason") or "; ".join(str(one.get("text")) for one in verdict))


def _identity(who: Mapping[str, Any]) -> str:
    if not who:
        return ""
    realm = at(who, "realm", "name")
    roles = ", ".join(texts(who, "roles")) or "no roles"
    key, own = part(who, "api_key"), at(who, "run_as", "lookup_realm")
    through = f"; API key {key.get('id')} [{key.get('name')}]" if key else ""
    as_other = f"; through another's credentials, own realm {own}" if own else ""
    return f"{who.get('name')} (realm {realm}; {roles}{through}{as_other})"


def _owner(who: Mapping[str, Any]) -> str:
    if not who:
        return ""
    rest = at(who, "api_key", "id") or who.get("service_account") or ", ".join(texts(who, "roles"))
    return f"{who.get('kind')}: {rest}" if rest else str(who.get("kind"))


def _seen(who: Mapping[str, Any]) -> str:
    """Who made or last changed the job, where that was observed."""
    if not who.get("known"):
        return f"not known: {who['why']}" if "why" in who else ""
    through = "; another called for them" if who.get("by") == "secondary" else ""
    realm = at(who, "realm", "name")
    return f"{who.get('name')} (realm {realm}), {who.get('action')} of {who.get('time')}{through}"


def _outcome(end: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a job came to."""
    yield from _present("failure", end.get("failure_reason"))
    documents = [f"{name} {count}" for name, count in part(end, "documents").items()]
    yield from _present("documents", ", ".join(documents))
    peak = end.get("peak_memory_bytes")
    if isinstance(peak, int):
        yield "peak memory", f"{peak:,} bytes"


def _exception(used: Mapping[str, Any]) -> str:
    """The exception that let a start pass although the rules say no."""
    if not used:
        return ""
    return f"{used.get('id')} let it pass, signed by {used.get('signed_by')} ({used.get('rule')}): {used.get('reason')}"


def _subjects(subjects: Mapping[str, Any]) -> str:
    if not subjects:
        return ""
    asked = " and ".join(f"the {WHO.get(one, one)}" for one in texts(subjects, "asked"))
    through = ", for whom a trusted intermediary asked" if subjects.get("intermediary") else ""
    return f"the index privileges of {asked}{through}"
