"""The router of genuine nodes, and that no spelling of a start gets past a proxy that denies it.

Directly, each spelling of `spellings/` reaches the start handler on exactly the versions that the findings name.
Through the proxy with rules that deny everything, none does, on any version, and each connection gets an answer or its
end.
"""

import json
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy
from tests.real.serving import Served
from tests.real.spellings import findings
from tests.real.spellings.table import Spelling, table
from tests.real.wire import Heard, exchange

pytestmark = [pytest.mark.real, pytest.mark.slow]

TABLE = table()
# Most of the time is spent waiting for silence, so the spellings are tried side by side.
AT_ONCE = 12
# The oracle's mark on its answers.
MARK = b"x-oracle: start"
RECEIPT = re.compile(rb"\r\nX-Startgate-Receipt: ([0-9a-f]+)\r")


# These announce a body that never comes: there is nothing to answer yet.
UNFINISHED = {"chunk size over 2**32", "chunk size overflows"}


def send_all(port: int, spellings: Iterable[Spelling], wait_s: float = 1.0) -> list[tuple[Spelling, Heard]]:
    """What each spelling heard from the port, which may take `wait_s` to begin its answer."""
    spellings = list(spellings)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        heard = pool.map(lambda spelling: exchange(port, spelling.parts, wait_s=wait_s), spellings)
        return list(zip(spellings, heard, strict=True))


def test_the_table_is_sound() -> None:
    names = [spelling.name for spelling in TABLE]
    assert len(names) == len(set(names)) > 250
    assert (findings.NEVER | set(findings.ON_SOME)) <= set(names)


def test_directly_the_handler_is_reached_as_the_findings_say(real_node: RealNode) -> None:
    major = real_node.version.major
    real_node.forget_hits()
    heard = send_all(real_node.port, TABLE)
    reached = {spelling.name for spelling, answer in heard if MARK in answer.data.lower()}
    expected = {spelling.name for spelling in TABLE if major in spelling.reaches}
    assert {"more": reached - expected, "less": expected - reached} == {"more": set(), "less": set()}
    assert len(reached) > 100
    assert real_node.hits() >= len(reached)


def test_no_spelling_reaches_the_handler_through_a_proxy_that_denies_all(real_node: RealNode) -> None:
    real_node.forget_hits()
    with DenyingProxy((real_node.url,)) as proxy:
        heard = send_all(proxy.port, TABLE, wait_s=4.0)
        time.sleep(0.3)  # a request whose client is gone may still be under way
        assert [spelling.name for spelling, answer in heard if MARK in answer.data.lower()] == []
        assert real_node.call("GET", "/_oracle/count").data == {"count": 0, "targets": []}
        unanswered = {spelling.name for spelling, answer in heard if not answer.data and not answer.closed}
        assert unanswered == UNFINISHED
        # The same bytes pass where nothing is guarded: it is not for want of a connection that nothing arrived.
        assert exchange(proxy.port, (b"GET /_oracle/count HTTP/1.1\r\nHost: es\r\n\r\n",)).status == 200
        assert proxy.asked > 50


def test_no_spelling_reaches_the_handler_through_startgate_as_it_is_served(real_node: RealNode, tmp_path: Path) -> None:
    # The shipped rules; a cluster that cannot say who calls may start nothing.
    real_node.forget_hits()
    with Served(tmp_path, real_node.url, "limits: {edge: {client_head_s: 2}}\n") as proxy:
        heard = send_all(proxy.port, TABLE, wait_s=4.0)
        time.sleep(0.3)
        assert real_node.call("GET", "/_oracle/count").data == {"count": 0, "targets": []}
        unanswered = {spelling.name for spelling, answer in heard if not answer.data and not answer.closed}
        assert unanswered == UNFINISHED
        denied = [answer for _, answer in heard if answer.data.startswith(b"HTTP/1.1 403 ")]
        assert len(denied) > 40
    # Nobody is known there: what is on record is told by its receipt, what one address repeats is counted, and the
    # count is put on record when the gate stops (docs/decisions/118-repeated-401s-are-folded.md).
    records = [json.loads(line) for line in proxy.records().splitlines()]
    receipts = {found[1].decode() for _, answer in heard for found in RECEIPT.finditer(answer.data)}
    assert receipts <= {record["event"]["id"] for record in records}
    folded = [one for one in records if one["event"]["action"] == "startgate-unauthenticated-starts"]
    counted = sum(one["startgate"]["admin"]["unauthenticated"]["count"] for one in folded)
    assert counted >= sum(RECEIPT.search(answer.data) is None for answer in denied)
    assert len(receipts) + counted >= len(denied)
    assert receipts
