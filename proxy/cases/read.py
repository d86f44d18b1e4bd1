"""A file of cases: strict YAML in, values out, every fault with its place."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from proxy.cases import parts
from proxy.cases.model import DEFAULT_NOW_MS, DEFAULT_VERSION, Case, CaseFile, Expected, Setting, Wanted
from proxy.cases.plain import moment_ms, number, plain, truth
from proxy.errors import Fault, nearest
from proxy.rules.compiled import Origin
from proxy.rules.situation import RunningJob
from proxy.rules.source import Entry, Listing, Mark, Node, Scalar, Table, read
from proxy.rules.values import Values, listed

T = TypeVar("T")
FILE_KEYS = ("version", "rules", "cluster", "identities", "roles", "jobs", "indices", "cases")
CLUSTER_KEYS = ("version", "service")
CASE_KEYS = ("name", "caller", "secondary", "job", "now", "request", "running", "cluster", "skip", "expect")
REQUEST_KEYS = ("peer", "headers", "timeout")
RUNNING_KEYS = ("id", "analysis", "sources", "destination", "model_memory_limit_bytes", "owner_roles")
ANSWER_KEYS = ("status", "error")
EXPECT_KEYS = ("verdict", "status", "error", "reasons", "warnings", "shadowed", "plan", "journal")
PLAN_KEYS = ("step", "body")
# 2^63 - 1: Elasticsearch's largest size.
BYTES_MAX = 9_223_372_036_854_775_807


def cases_of(text: str, file: str) -> tuple[CaseFile | None, tuple[Fault, ...]]:
    """What a file holds, or all that is wrong with it."""
    root, faults = read(text, file)
    if root is None or faults:
        return None, faults
    values = Values()
    _encodable(values, root)
    found = _file(values, root, file)
    return (None if values.faults else found), tuple(values.faults)


def _encodable(values: Values, root: Node) -> None:
    """Notes texts that no request could carry: an escape may name half a character (`\\ud83d`)."""
    for mark, text in _texts_in(root):
        if any("\ud800" <= char <= "\udfff" for char in text):
            values.note(mark, "half a character (a lone surrogate) is no text")


def _texts_in(node: Node) -> Iterator[tuple[Mark, str]]:
    """Every key and every scalar."""
    if isinstance(node, Scalar):
        yield node.mark, node.text
    elif isinstance(node, Listing):
        for item in node.items:
            yield from _texts_in(item)
    else:
        for entry in node.entries:
            yield entry.mark, entry.key
            yield from _texts_in(entry.value)


def _file(values: Values, root: Node, file: str) -> CaseFile | None:
    if not isinstance(root, Table):
        values.note(root.mark, f"a file of cases is a mapping with the keys {listed(FILE_KEYS)}")
        return None
    keys = values.known(root, FILE_KEYS)
    version = keys.get("version")
    if version is None or not (isinstance(version.value, Scalar) and version.value.text == "1"):
        mark = root.mark if version is None else version.value.mark
        values.note(mark, "a file of cases begins with `version: 1`")
    rules = None if "rules" not in keys else values.text(keys["rules"].value, "rules")
    setting = _setting(values, keys)
    return CaseFile(
        path=file,
        rules=None if rules is None else rules.text,
        setting=setting,
        cases=_cases(values, keys, root, setting),
    )


def _setting(values: Values, keys: Mapping[str, Entry]) -> Setting:
    cluster = values.table(keys.get("cluster"), CLUSTER_KEYS)
    version = None if "version" not in cluster else values.text(cluster["version"].value, "version")
    service = True if "service" not in cluster else truth(values, cluster["service"])
    roles = _each(values, keys.get("roles"), parts.role)
    return Setting(
        version=DEFAULT_VERSION if version is None else version.text,
        service=service is not False,
        identities=_each(values, keys.get("identities"), lambda values, one: parts.identity(values, one, roles)),
        roles=roles,
        jobs=_each(values, keys.get("jobs"), parts.job),
        indices=_each(values, keys.get("indices"), parts.index),
    )


def _each(values: Values, entry: Entry | None, take: Callable[[Values, Entry], T | None]) -> Mapping[str, T]:
    if entry is None:
        return {}
    if not isinstance(entry.value, Table):
        values.note(entry.value.mark, f"`{entry.key}` must be a mapping by name")
        return {}
    taken = ((one.key, take(values, one)) for one in entry.value.entries)
    return {name: value for name, value in taken if value is not None}


def _cases(values: Values, keys: Mapping[str, Entry], root: Table, setting: Setting) -> tuple[Case, ...]:
    if "cases" not in keys:
        values.note(root.mark, "`cases` is missing: the file tries nothing")
        return ()
    found: dict[str, Case] = {}
    for item in values.items(keys["cases"]):
        case = _case(values, item, setting)
        if case is None:
            continue
        if case.name in found:
            values.note(
                item.mark, f"the case `{case.name}` is there twice; the first is in line {found[case.name].origin.line}"
            )
        found.setdefault(case.name, case)
    if not found and isinstance(keys["cases"].value, Listing) and not keys["cases"].value.items:
        values.note(keys["cases"].value.mark, "`cases` is empty: the file tries nothing")
    return tuple(found.values())


def _case(values: Values, item: Node, setting: Setting) -> Case | None:
    if not isinstance(item, Table):
        values.note(item.mark, f"a case is a mapping with the keys {listed(CASE_KEYS)}")
        return None
    keys = values.known(item, CASE_KEYS)
    for key in ("name", "caller", "job", "expect"):
        if key not in keys:
            values.note(item.mark, f"the case has no `{key}`")
    expected = _expected(values, keys["expect"]) if "expect" in keys else None
    texts = {key: _text(values, keys.get(key)) for key in ("name", "skip")}
    caller = _named(values, keys.get("caller"), setting.identities, "identities")
    secondary = _named(values, keys.get("secondary"), setting.identities, "identities")
    job = _text(values, keys.get("job"))
    if expected is None or caller is None or job is None or texts["name"] is None:
        return None
    request = values.table(keys.get("request"), REQUEST_KEYS)
    answer = values.table(keys.get("cluster"), ANSWER_KEYS)
    status = number(values, answer["status"], at_least=200, at_most=599) if "status" in answer else 200
    now = moment_ms(values, keys["now"]) if "now" in keys else None
    return Case(
        name=texts["name"],
        origin=Origin(item.mark.file, item.mark.line),
        caller=caller,
        secondary=secondary,
        job=job,
        expected=expected,
        now_ms=DEFAULT_NOW_MS if now is None else now,
        peer=_text(values, request.get("peer")) or "192.0.2.1:50000",
        headers=_headers(values, request.get("headers")),
        timeout=_text(values, request.get("timeout")),
        running=_running(values, keys.get("running")),
        cluster_status=status or 200,
        cluster_error=_text(values, answer.get("error")) or "",
        skip=texts["skip"],
    )


def _named(values: Values, entry: Entry | None, known: Mapping[str, object], where: str) -> str | None:
    name = _text(values, entry)
    if entry is None or name is None:
        return None
    if name not in known:
        hint = nearest(name, known)
        values.note(entry.value.mark, f"`{name}` is not in `{where}`{hint}; there are: {listed(known) or 'none'}")
        return None
    return name


def _headers(values: Values, entry: Entry | None) -> tuple[tuple[str, str], ...]:
    """Headers of the request besides those of the identities."""
    if entry is None:
        return ()
    if not isinstance(entry.value, Table):
        values.note(entry.value.mark, "`headers` must be a mapping of names and texts")
        return ()
    found = [(one.key, _text(values, one)) for one in entry.value.entries]
    return tuple((name, value) for name, value in found if value is not None)


def _running(values: Values, entry: Entry | None) -> tuple[RunningJob, ...]:
    if entry is None:
        return ()
    found: list[RunningJob] = []
    for item in values.items(entry):
        if not isinstance(item, Table):
            values.note(item.mark, f"a running job is a mapping with the keys {listed(RUNNING_KEYS)}")
            continue
        keys = values.known(item, RUNNING_KEYS)
        memory = keys.get("model_memory_limit_bytes")
        bytes_ = number(values, memory, at_least=0, at_most=BYTES_MAX) if memory is not None else None
        found.append(
            RunningJob(
                id=_text(values, keys.get("id")) or f"running-{len(found) + 1}",
                analysis=_text(values, keys.get("analysis")) or "outlier_detection",
                sources=_texts(values, keys.get("sources")) or (),
                destination=_text(values, keys.get("destination")) or "",
                model_memory_limit_bytes=1024**3 if bytes_ is None else bytes_,
                owner_roles=_texts(values, keys.get("owner_roles")) or (),
            )
        )
    return tuple(found)


def _expected(values: Values, entry: Entry) -> Expected | None:
    keys = values.table(entry, EXPECT_KEYS)
    if "verdict" not in keys:
        values.note(entry.mark, "`expect` has no `verdict`: allowed or denied")
        return None
    verdict = values.choice(keys["verdict"], Wanted.ALLOWED)
    status = number(values, keys["status"], at_least=200, at_most=599) if "status" in keys else None
    plan = values.table(keys.get("plan"), PLAN_KEYS)
    return Expected(
        verdict=verdict,
        status=status,
        error=_text(values, keys.get("error")),
        reasons=_texts(values, keys.get("reasons")),
        warnings=_texts(values, keys.get("warnings")),
        shadowed=_texts(values, keys.get("shadowed")),
        plan={key: plain(values, one.value) for key, one in plan.items()} if "plan" in keys else None,
        journal=_journal(values, keys.get("journal")),
    )


def _journal(values: Values, entry: Entry | None) -> tuple[Mapping[str, Any], ...] | None:
    if entry is None:
        return None
    found: list[Mapping[str, Any]] = []
    for item in values.items(entry):
        record = plain(values, item)
        if isinstance(record, dict):
            found.append(record)
        else:
            values.note(
                item.mark, "each of `journal` is a mapping: fields of a record, such as {event.outcome: success}"
            )
    return tuple(found)


def _text(values: Values, entry: Entry | None) -> str | None:
    scalar = None if entry is None else values.text(entry.value, entry.key)
    return None if scalar is None else scalar.text


def _texts(values: Values, entry: Entry | None) -> tuple[str, ...] | None:
    return None if entry is None else tuple(scalar.text for scalar in values.texts(entry))
