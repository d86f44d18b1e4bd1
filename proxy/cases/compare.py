"""What came of a case against what is expected, difference by difference."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.cases.model import Expected, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of a case: the answer, what the rules said, the plan, and the records that were written.

    `verdict` is None where the start never came to be judged; `plan` has `step` and, where one is made, `body`.
    """

    status: int
    error: str
    verdict: Wanted | None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    shadowed: tuple[str, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict, repr=False)
    records: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


def differences(expected: Expected, came: Came) -> tuple[str, ...]:
    """Each way in which what came is not what was expected; none where all is well."""
    return tuple(_differences(expected, came))


def _differences(expected: Expected, came: Came) -> Iterator[str]:
    if came.verdict is not expected.verdict:
        said = f"the start was never judged: {came.error}" if came.verdict is None else came.verdict.value
        yield f"verdict: expected {expected.verdict.value}, got {said}{_because(came)}"
    yield from _answer(expected, came)
    if expected.reasons is not None:
        yield from _reasons(expected.reasons, came.reasons)
    for name, wanted, got in (
        ("warnings", expected.warnings, came.warnings),
        ("shadowed", expected.shadowed, came.shadowed),
    ):
        if wanted is not None and sorted(wanted) != sorted(got):
            yield f"{name}: expected {_shown(sorted(wanted))}, got {_shown(sorted(got))}"
    if expected.plan is not None:
        yield from _parts("plan", expected.plan, came.plan)
    if expected.journal is not None:
        yield from _journal(expected.journal, came.records)


def _answer(expected: Expected, came: Came) -> Iterator[str]:
    if expected.status is not None and came.status != expected.status:
        yield f"status: expected {expected.status}, got {came.status} ({came.error or 'no error'})"
    if expected.error is not None and expected.error not in came.error:
        yield f"error: expected to read `{expected.error}`, got `{came.error}`"


def _because(came: Came) -> str:
    return "".join(f"\n  {reason}" for reason in came.reasons)


def _reasons(wanted: Sequence[str], got: Sequence[str]) -> Iterator[str]:
    """Every reason is expected by one text and every text meets one: no reason may hide behind another."""
    partner: dict[int, int] = {}  # of a reason → of the text that it goes with
    for text, words in enumerate(wanted):
        if not _placed(text, wanted, got, partner, set()):
            yield f"reasons: none of its own reads `{words}`"
    for reason, words in enumerate(got):
        if reason not in partner:
            yield f"reasons: not expected: {words}"


def _placed(text: int, wanted: Sequence[str], got: Sequence[str], partner: dict[int, int], tried: set[int]) -> bool:
    """Give a text a reason of its own, moving others where they have another choice (Kuhn's matching)."""
    for reason, words in enumerate(got):
        if wanted[text] not in words or reason in tried:
            continue
        tried.add(reason)
        if reason not in partner or _placed(partner[reason], wanted, got, partner, tried):
            partner[reason] = text
            return True
    return False


def _journal(wanted: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each is contained in a record of its own, in the same order."""
    at = 0
    for number, record in enumerate(wanted, 1):
        missing: tuple[str, ...] = ("no record is left",)
        while at < len(records):
            missing = tuple(_parts("", record, records[at]))
            at += 1
            if not missing:
                break
        if missing:
            yield f"journal: no record, in this order, holds number {number} {_shown(record)}; the last: {missing[0]}"


def _parts(where: str, wanted: Any, got: Any) -> Iterator[str]:  # noqa: ANN401 -- any JSON values
    """What of `wanted` is not in `got`. Of mappings only the keys that are named count, by dotted keys, too."""
    if not isinstance(wanted, Mapping):
        if wanted != got or isinstance(wanted, bool) is not isinstance(got, bool):
            yield f"{where}: expected {_shown(wanted)}, got {_shown(got)}"
        return
    for key, value in wanted.items():
        found, there = _looked_up(got, key)
        place = f"{where}.{key}" if where else key
        if not there:
            yield f"{place}: expected {_shown(value)}, and it is not there"
        else:
            yield from _parts(place, value, found)


def _looked_up(got: Any, key: str) -> tuple[Any, bool]:  # noqa: ANN401 -- any JSON values
    """The value of a key, or of the path that it spells with dots."""
    if isinstance(got, Mapping) and key in got:
        return got[key], True
    head, dot, rest = key.partition(".")
    while dot:
        if isinstance(got, Mapping) and head in got:
            return _looked_up(got[head], rest)
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None, False


def _shown(value: Any) -> str:  # noqa: ANN401 -- any JSON value
    return json.dumps(value, ensure_ascii=False, default=str)
