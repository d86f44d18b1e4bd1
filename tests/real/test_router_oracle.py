"""The router of genuine nodes, and that no spelling of a start gets past a proxy that denies it.

Directly, each spelling of `spellings/` reaches the start handler on exactly the versions that the findings name.
Through the proxy with rules that deny everything, none does, on any version, and each connection gets an answer or its
end.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.real.node import RealNode
from tests.real.spellings import findings
from tests.real.spellings.table import Spelling, table
from tests.real.wire import Heard, exchange

pytestmark = [pytest.mark.real, pytest.mark.slow]

TABLE = table()
# Most of the time is spent waiting for silence, so the spellings are tried side by side.
AT_ONCE = 12
# The oracle's mark on its answers.
MARK = b"x-oracle: start"


def send_all(port: int, spellings: Iterable[Spelling]) -> list[tuple[Spelling, Heard]]:
    """What each spelling heard from the port."""
    spellings = list(spellings)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        heard = pool.map(lambda spelling: exchange(port, spelling.parts), spellings)
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
