"""The plan of a start for human eyes: the same in a terminal and in a pipe."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from proxy import columns
from proxy.planned.ask import Told
from proxy.text import plain

Document = Mapping[str, Any]
WHO = {
    "caller": "the caller",
    "secondary": "the secondary identity",
    "owner": "the job's owner",
    "service": "the service credential",
}
STEPS = {"create": "would be created", "existing": "would be used as it is", "leave": "would be left to Elasticsearch"}
SECTIONS = {"properties": "field", "runtime": "runtime field", "settings": "setting", "mappings": "mapping"}
INDENT = "  "
# Of thousands of sources the first ones stand for all; --json has them all.
SOURCES_SHOWN = 5
HEADING_WIDTH = 13


def lines(job_id: str, told: Told) -> Iterator[Text]:
    """All lines, the answer first: whether a start would succeed."""
    plan = told.content
    if told.would_succeed:
        yield Text(f"a start of {plain(job_id)} would succeed", "green")
    else:
        yield Text(f"a start of {plain(job_id)} would fail", "red")
    for reason in _reasons(told):
        yield Text.assemble(f"{INDENT}because ", plain(reason))
    if told.status != 200:
        return
    yield Text()
    for heading, text in _facts(plan):
        yield Text.assemble((f"{heading:<{HEADING_WIDTH}}", "dim"), plain(text))
    yield from _conflicts(plan["conflicts"])
    if "create" in plan:
        yield from _body(plan["create"], plan["origins"])
        yield from _templates(plan["create"]["body"], plan.get("effective"))
        yield from _unchecked(plan)
    yield from _later(plan["added_later"])
    if "remade" in plan:
        yield from _remade(plan["remade"])


def _reasons(told: Told) -> list[str]:
    if told.status == 200:
        return [one["reason"] for one in told.content["problems"]]
    error = told.content.get("error", "no reason was given")
    return [str(error.get("reason") if isinstance(error, dict) else error)]


def _facts(plan: Document) -> Iterator[tuple[str, str]]:
    job, verdict, destination = plan["job"], plan["verdict"], plan["destination"]
    yield "job", f"{job['id']} ({job['analysis']}), {job['state'] or 'stopped'}, {job['stage'].replace('_', ' ')}"
    yield "copies", f"{', '.join(job['sources'])} -> {job['destination']}"
    found = destination["source_indices"]
    if found:
        more = f" and {len(found) - SOURCES_SHOWN} more" if len(found) > SOURCES_SHOWN else ""
        yield "found", ", ".join(found[:SOURCES_SHOWN]) + more
    asked = " and ".join(f"{WHO[one]}{_name(verdict.get(one))}" for one in verdict["asked"])
    yield "allowed", f"{asked} may; decided by rules {verdict['rules']}"
    if "step" in destination:
        by = f" by {WHO[destination['created_as']]}" if "created_as" in destination else ""
        yield "destination", f"{destination['index']} {STEPS[destination['step']]}{by}: {destination['why']}"
    yield "cluster", f"Elasticsearch {plan['cluster']['version'] or 'of a version that was not told'}"
    yield "receipt", plan["receipt"]


def _name(who: Mapping[str, Any] | None) -> str:
    return f" {who['name']}" if who and "name" in who else ""


def _conflicts(conflicts: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    for conflict in conflicts:
        yield Text()
        what = SECTIONS[conflict["kind"]]
        yield Text.assemble((f"conflict: {what} ", "red"), plain(conflict["field"]))
        rows = [(one["index"], _json(one["value"])) for one in conflict["definitions"]]
        yield from columns.lines(("first in index", "defined as"), rows, INDENT)
        if conflict["distinct"] > len(rows):
            yield Text(f"{INDENT}and {conflict['distinct'] - len(rows)} more", "dim")


def _body(create: Mapping[str, Any], origins: Mapping[str, Mapping[str, Any]]) -> Iterator[Text]:
    yield Text()
    yield Text.assemble(("create body: ", "dim"), plain(f"{create['method']} {create['path']}"))
    for part, held in _parts(create["body"]).items():
        if held:
            yield Text()
            yield from _with_origins(SECTIONS[part], held, origins.get(part, {}))


def _parts(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What there is beside each other in a body: settings, and the mapping's root, fields and runtime fields."""
    mappings = body["mappings"]
    return {
        "settings": body["settings"],
        "mappings": {name: value for name, value in mappings.items() if name not in ("properties", "runtime")},
        "properties": mappings.get("properties", {}),
        "runtime": mappings.get("runtime", {}),
    }


def _templates(body: Mapping[str, Any], effective: Mapping[str, Any] | None) -> Iterator[Text]:
    """What index templates add to the body that is sent."""
    if effective is None:
        yield Text()
        yield Text("what index templates add is not known to whoever creates the index", "dim")
        return
    sent = _parts(body)
    rows = [
        (name, SECTIONS[part], _json(value))
        for part, held in _parts(effective).items()
        for name, value in held.items()
        if name not in sent[part]
    ]
    rows += [(alias, "alias", "-") for alias in effective.get("aliases", ())]
    if rows:
        yield Text()
        yield Text("index templates add", "dim")
        yield from columns.lines(("name", "kind", "value"), rows, INDENT)


def _unchecked(plan: Document) -> Iterator[Text]:
    """Whether the cluster has looked at the settings of the rules, where it has not."""
    if plan.get("overrides_checked") is False:
        yield Text()
        why = plain(str(plan.get("overrides_unchecked_because", "")))
        yield Text(f"the settings of the rules are not checked until the index is created: {why}", "yellow")


def _with_origins(heading: str, held: Mapping[str, Any], origins: Mapping[str, Any]) -> list[Text]:
    # What is widest stands last: nothing has to be moved out for it.
    rows = [(name, origins.get(name, {}).get("text", "-"), _json(value)) for name, value in held.items()]
    return columns.lines((heading, "origin", "value"), rows, INDENT)


def _later(added: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    if added:
        yield Text()
        yield Text("Elasticsearch adds once the job runs", "dim")
        rows = [
            (one["field"], SECTIONS[one["section"]], one["why"], _json(one["mapping"]) if "mapping" in one else "-")
            for one in added
        ]
        yield from columns.lines(("name", "kind", "because it", "value"), rows, INDENT)


def _remade(remade: Mapping[str, Any]) -> Iterator[Text]:
    yield Text()
    yield Text.assemble(("resumed: ", "yellow"), plain(remade["text"]))
    if "template" in remade:
        template = remade["template"]
        yield Text(f"{INDENT}{plain(template['text'])}")
        yield Text(f"{INDENT}{plain(template['method'] + ' ' + template['path'])}")
        for line in json.dumps(template["body"], indent=2, ensure_ascii=False).splitlines():
            yield Text(INDENT + plain(line))
        yield from _with_origins("setting", template["body"]["template"]["settings"], template["origins"])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
