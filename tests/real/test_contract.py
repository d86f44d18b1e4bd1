"""The embedded cluster and genuine nodes answer the cases of `tests/contract_cases.py` alike.

The embedded index core speaks as 8.15, so on 8.15.3 every answer must be equal. What must be equal on other major
versions is told by `same.py`; where they behave differently is written down in `contract_notes.py`, and a note that no
longer holds fails, too.
"""

import http.client
from typing import Any

import pytest

from proxy.embedded.backend import Call
from proxy.embedded.core import Core
from tests.contract_cases import CONTRACT, Case, Step, comparable
from tests.real.contract_notes import KNOWN
from tests.real.node import RealNode
from tests.real.same import same

pytestmark = pytest.mark.real


@pytest.mark.parametrize("case", CONTRACT, ids=lambda case: case.name)
def test_case(real_node: RealNode, case: Case) -> None:
    known = KNOWN.get(real_node.version.major, {}).get(case.name, frozenset())
    clear(real_node, case)
    core = Core()
    differing: dict[str, Any] = {}
    for at, step in enumerate(case.steps):
        real = same(on_node(real_node, step), real_node.version.major)
        embedded = same(on_core(core, step), real_node.version.major)
        if real != embedded:
            differing[f"{at} {step.method} {step.target}"] = {"real": real, "embedded": embedded}
    clear(real_node, case)
    unexpected = {name: pair for name, pair in differing.items() if int(name.split()[0]) not in known}
    assert unexpected == {}
    assert {int(name.split()[0]) for name in differing} == known, "a note of contract_notes.py is out of date"


def test_notes_are_of_cases_that_exist() -> None:
    names = {case.name for case in CONTRACT}
    assert {name for notes in KNOWN.values() for name in notes} <= names


def clear(node: RealNode, case: Case) -> None:
    """Deletes what the case works on."""
    for name in case.uses:
        node.call("DELETE", f"/{name}?ignore_unavailable=true")


def on_node(node: RealNode, step: Step) -> dict[str, Any]:
    """What a genuine node answers."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
    try:
        connection.putrequest(step.method, step.target, skip_accept_encoding=True)
        for name, value in step.sent_headers():
            connection.putheader(name, value)
        content = step.content()
        if step.body is not None:
            connection.putheader("content-length", str(len(content)))
        connection.endheaders(content or None)
        answer = connection.getresponse()
        body = answer.read()
        return comparable(step, answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
    finally:
        connection.close()


def on_core(core: Core, step: Step) -> dict[str, Any]:
    """What the embedded index core answers."""
    call = Call(method=step.method, target=step.target, headers=step.sent_headers(), body=step.content())
    answer = core.answer(call)
    return comparable(step, answer.status, {name.lower(): value for name, value in answer.headers}, answer.body)
