"""What must hold of every input that went through the proxy."""

from collections import Counter
from collections.abc import Iterator

from tests.fuzz.case import TAGS, Case
from tests.fuzz.drive import Outcome
from tests.fuzz.heard import Answered, Unreadable, answers


def faults(case: Case, tag: bytes, outcome: Outcome, figures: Counter[str]) -> list[str]:
    """Everything that is wrong with what `case`, sent with `tag`, was answered; `figures` are counted up."""
    figures["inputs"] += 1
    try:
        heard = answers(outcome.data, heads=b"HEAD" in case.data)
    except Unreadable as fault:
        return [f"unreadable: {fault}"]
    figures["answers"] += len(heard)
    figures["answers with a tag"] += sum(bool(answer.tag) for answer in heard)
    figures["answers cut"] += sum(not answer.whole for answer in heard)
    figures["closed without an answer"] += not heard
    for answer in heard:
        figures[f"status {answer.status}"] += 1
    return list(_faults(case, tag, outcome, heard))


def _faults(case: Case, tag: bytes, outcome: Outcome, heard: list[Answered]) -> Iterator[str]:
    if not outcome.ended:
        yield "hang: neither all answers nor an end came"
    if any(answer.started for answer in heard):
        yield "reach: the start handler answered"
    foreign = {found for found in TAGS.findall(outcome.data) if not found.startswith(tag)}
    if foreign:
        yield f"wrong request: something of another connection arrived: {sorted(foreign)}"
    answered = [answer.tag for answer in heard if answer.tag]
    if not _in_order(answered, TAGS.findall(case.tagged(tag).data)):
        yield f"wrong request: answers came in the order {answered}"
    if case.sound and tag + b".h" in answered:
        yield "wrong request: what a body held was answered"


def _in_order(answered: list[bytes], sent: list[bytes]) -> bool:
    """Whether `answered` is `sent` with some left out."""
    rest = iter(sent)
    return all(tag in rest for tag in answered)
