"""The explanation of a verdict for human eyes: the same in a terminal and in a pipe."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from proxy.planned.ask import Told
from proxy.text import plain

# Every outcome of a step, as it is printed and in which style.
OUTCOMES = {
    "passed": ("ok", "green"),
    "denied": ("DENIED", "red"),
    "warned": ("warns", "yellow"),
    "shadow_denied": ("shadow", "yellow"),
    "unknown": ("UNKNOWN", "red"),
    "not_reached": ("-", "dim"),
}
HEADINGS = {
    "identity": "who",
    "requirement": "privileges",
    "flow": "flows",
    "guard": "guards",
    "exception": "exceptions",
}
# What they hold is told, although nothing depends on it: `authorise` asks for it where the owner is not judged.
OWNER = "the job's owner, who is not asked for this start"
INDENT = "  "
OUTCOME_WIDTH = 8
# Of one value: a job may have thousands of sources. --json has all of it.
VALUE_CHARS = 200


def lines(job_id: str, told: Told) -> Iterator[Text]:
    """All lines, the answer first: whether a start would be allowed."""
    if told.status != 200:
        yield Text(f"a start of {plain(job_id)} is not explained", "red")
        error = told.content.get("error", "no reason was given")
        yield Text.assemble(f"{INDENT}because ", plain(str(error.get("reason") if isinstance(error, dict) else error)))
        return
    yield from _verdict(job_id, told)
    heading = ""
    for step in told.content["steps"]:
        if step["kind"] != heading:
            heading = step["kind"]
            yield Text()
            yield Text(HEADINGS.get(heading, heading), "bold")
        yield from _step(step)
    if "owner" in told.content:
        yield from _owner(told.content["owner"])
    yield Text()
    rules = told.content["rules"]
    yield Text(plain(f"decided by rules {rules['revision']}, authority {rules['authority']}"), "dim")


def _verdict(job_id: str, told: Told) -> Iterator[Text]:
    against = len(told.content["reasons"])
    if not told.allowed:
        said = "1 thing speaks" if against == 1 else f"{against} things speak"
        yield Text(f"a start of {plain(job_id)} would be denied: {said} against it", "red")
    elif against:
        name = plain(told.content["exception"]["id"])
        yield Text(f"a start of {plain(job_id)} would be let pass by the break-glass exception {name} alone", "yellow")
    else:
        yield Text(f"a start of {plain(job_id)} would be allowed", "green")


def _step(step: Mapping[str, Any]) -> Iterator[Text]:
    word, style = OUTCOMES.get(step["outcome"], (step["outcome"], ""))
    rule = f"  ({step['rule']})" if "rule" in step else ""
    yield Text.assemble(INDENT, (f"{word:<{OUTCOME_WIDTH}}", style), plain(step["text"]), (plain(rule), "dim"))
    # What is required of whom stands in the text; what a guard looked at does not.
    if step["kind"] == "guard":
        for name, value in step.get("seen", {}).items():
            text = json.dumps(value, ensure_ascii=False)
            shown = text if len(text) <= VALUE_CHARS else f"{text[:VALUE_CHARS]}…"
            yield Text.assemble(f"{INDENT}{' ' * OUTCOME_WIDTH}", (plain(f"{name} = {shown}"), "dim"))


def _owner(owner: Mapping[str, Any]) -> Iterator[Text]:
    """What the owner holds, index by index, or why that cannot be told."""
    yield Text()
    yield Text(OWNER, "bold")
    if "unknown" in owner:
        yield Text.assemble(INDENT, (f"{'unknown':<{OUTCOME_WIDTH}}", "dim"), plain(str(owner["unknown"])))
        return
    for index, privileges in owner.get("indices", {}).items():
        for name, holds in privileges.items():
            word, style = ("holds", "green") if holds else ("lacks", "yellow")
            said = plain(f"[{name}] on [{index}]")
            yield Text.assemble(INDENT, (f"{word:<{OUTCOME_WIDTH}}", style), said)
