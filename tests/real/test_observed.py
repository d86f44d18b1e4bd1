"""The calls on a job that are observed, on genuine nodes: what reaches their handlers is noted, and nothing changes.

The oracle has handlers on the very routes of PUT, `_update`, `_stop` and DELETE, which answer with all that they were
given: target, parameters, headers and body. So equal answers mean that the node was asked the same.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from proxy.notes import Note
from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy
from tests.real.spellings.targets import targets
from tests.real.wire import exchange

pytestmark = [pytest.mark.real, pytest.mark.slow]

CALLS = {"put": b"PUT", "update": b"POST", "stop": b"POST", "delete": b"DELETE"}
BODY = b'{"description":"\xc3\xa4 \\u0000"}'
AT_ONCE = 8
MARK = re.compile(rb"\r\nx-oracle: (\w+)\r\n", re.IGNORECASE)


def spelled(call: str, start: bytes) -> bytes:
    """The spelling of a start, as one of `call`."""
    if call in ("update", "stop"):
        return re.sub(rb"_(?i:start)", b"_" + call.encode(), start)
    return re.sub(rb"/+_(?i:start)", b"", start)


SPELLINGS = {
    f"{call}: {name}": (call, spelled(call, target))
    for call in CALLS
    for name, target in targets().items()
    if re.search(rb"/_(?i:start)", target)
}


def request(call: str, target: bytes) -> bytes:
    lines = [
        CALLS[call] + b" " + target + b" HTTP/1.1",
        b"Host: es.example:9200",
        b"X-Odd: a;  b",
        b"x-odd: \xe4",
        b"es-secondary-authorization: Basic eA==",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(BODY),
    ]
    return b"\r\n".join([*lines, b"", BODY])


def answers(port: int) -> dict[str, bytes]:
    """What each spelling heard."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        heard = pool.map(lambda one: exchange(port, (request(*one),), wait_s=4.0).data, SPELLINGS.values())
        return dict(zip(SPELLINGS, heard, strict=True))


def mark(answer: bytes) -> str:
    """Which handler answered; empty where none of the oracle's did."""
    found = MARK.search(answer)
    return found[1].decode() if found else ""


def test_whatever_reaches_a_handler_is_noted_and_answered_as_directly(real_node: RealNode) -> None:
    direct = answers(real_node.port)
    with DenyingProxy((real_node.url,)) as proxy:
        through = answers(proxy.port)
    noted = {(note.action.partition("-")[0], note.target.encode("latin-1")) for note in proxy.notes}
    reached = {name for name, answer in through.items() if mark(answer)}
    assert {name for name in reached if (mark(through[name]), SPELLINGS[name][1]) not in noted} == set()
    # What a node would take and the edge refuses: targets without a slash in front, and control characters.
    refused = {
        name for name, answer in through.items() if b"illegal_argument_exception" in answer and mark(direct[name])
    }
    assert {SPELLINGS[name][1][:1] for name in refused if not re.search(rb"[\x00-\x20\x7f]", SPELLINGS[name][1])} <= {
        b"_"
    }
    assert {name: direct[name] for name in reached} == {name: through[name] for name in reached}
    assert {name for name, answer in direct.items() if mark(answer)} - refused == reached
    assert len(reached) > 100
    assert all(note.status is not None for note in proxy.notes)
    assert {type(note) for note in proxy.notes} == {Note}


def test_the_note_holds_what_came(real_node: RealNode) -> None:
    with DenyingProxy((real_node.url,)) as proxy:
        assert exchange(proxy.port, (request("put", b"/_ml/data_frame/analytics/x?pretty"),), wait_s=4.0).status == 200
    (note,) = proxy.notes
    assert (note.method, note.target, note.status) == ("PUT", "/_ml/data_frame/analytics/x?pretty", 200)
    assert [value for name, value in note.headers if name.lower() == "x-odd"] == ["a;  b", "\xe4"]


def test_without_a_gate_they_are_answered_all_the_same(real_node: RealNode) -> None:
    sent = request("delete", b"/_ml/data_frame/analytics/x")
    with DenyingProxy((real_node.url,), gate=False) as proxy:
        assert exchange(proxy.port, (sent,), wait_s=4.0).data == exchange(real_node.port, (sent,), wait_s=4.0).data
