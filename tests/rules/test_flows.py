"""Which sources may be copied where: what is read, and what is refused."""

import pytest

from proxy.rules.compiled import Flow, Origin
from tests.rules.samples import VALID
from tests.rules.texts import RICH, compiled, valid


def test_flows_of_all_files_add_up() -> None:
    more = "version: 1\nstart_data_frame_analytics:\n  flows:\n  - {from: ['*'], to: [all]}\n"
    rules = valid(VALID + "  flows: [{from: [a, b-*], to: ['?c']}]\n", more)
    assert rules.flows == (
        Flow(sources=("a", "b-*"), destinations=("?c",), origin=Origin("a.yml", 7)),
        Flow(sources=("*",), destinations=("all",), origin=Origin("b.yml", 4)),
    )
    assert rules.needs_resolution


def test_without_flows_anything_goes_anywhere() -> None:
    assert valid(VALID).flows is None


TAKES_NOTHING = "takes nothing away here: a flow names what may be copied, and the rest is denied"
NO_NAME = 'can match no index: names are lower case, and have none of \\ / " < > | , # : or white space'


@pytest.mark.parametrize(
    ("flows", "faults"),
    [
        ("[]", ["7:10: `flows` is empty, so nothing could be copied; leave it out to allow any"]),
        ("x", ["7:10: `flows` must be a list, such as [a, b]"]),
        ("[a]", ["7:11: an item of `flows` is a mapping with the keys `from`, `to`"]),
        ("[{from: [a]}]", ["7:11: `to` is missing: a flow says which sources may be copied where"]),
        ("[{from: [a], to: []}]", ["7:27: `to` is empty; name at least one, or leave the key out where it may be"]),
        ("[{from: [a], to: b}]", ["7:27: `to` must be a list, such as [a, b]"]),
        (
            "[{from: [a], to: [b], form: [c]}]",
            ["7:32: unknown key `form` (did you mean 'from'?); allowed: `from`, `to`"],
        ),
        ("[{from: [a, a], to: [b]}]", ["7:22: `a` is there twice; remove it"]),
        ("[{from: [ab, a*], to: [b]}]", ["7:19: `ab` is covered by `a*` beside it; remove it"]),
        ("[{from: [_all], to: [b]}]", ["7:19: `_all` is no name of an index; write `*` for all of them"]),
        ("[{from: [a*, -ab], to: [b]}]", ["7:23: `-ab` " + TAKES_NOTHING]),
        ("[{from: ['x:a'], to: [b]}]", ["7:19: `x:a` names another cluster, and a job copies within its own"]),
        ("[{from: [a], to: [Big]}]", ["7:28: `Big` " + NO_NAME]),
        ("[{from: ['a,b'], to: [c]}]", ["7:19: `a,b` " + NO_NAME]),
        ("[{from: [no], to: [b]}]", ["7:19: `from` takes text, but YAML reads `no` as bool; put it in quotes"]),
        ("[{from: [a], to: ['/#/']}]", ["7:28: `/#/` matches nothing"]),
        (
            "[{from: [a*], to: [b*]}, {from: [ab], to: [bc]}]",
            ["7:35: the flow in a.yml:7 covers this one, so it makes no difference; remove it"],
        ),
        (
            "[{from: [ab], to: [bc]}, {from: [a*], to: [b*]}]",
            ["7:11: the flow in a.yml:7 covers this one, so it makes no difference; remove it"],
        ),
        (
            "[{from: [a], to: [b]}, {from: [a], to: [b]}]",
            ["7:33: the flow in a.yml:7 covers this one, so it makes no difference; remove it"],
        ),
        (
            "[{from: [a*], to: [b]}, {from: ['*'], to: ['c', b]}, {from: [ab], to: [b]}]",
            [
                "7:11: the flow in a.yml:7 covers this one, so it makes no difference; remove it",
                "7:63: the flow in a.yml:7 covers this one, so it makes no difference; remove it",
            ],
        ),
        (
            "[{from: [a]}, {from: [B], to: [b]}]",
            ["7:11: `to` is missing: a flow says which sources may be copied where", "7:32: `B` " + NO_NAME],
        ),
    ],
)  # fmt: skip
def test_faults(flows: str, faults: list[str]) -> None:
    assert compiled(VALID + f"  flows: {flows}\n") == (None, [f"a.yml:{fault}" for fault in faults])


def test_flows_that_only_meet_stand_beside_each_other() -> None:
    assert valid(VALID + "  flows: [{from: [a*], to: [b]}, {from: [a*], to: [c]}, {from: [d], to: [b, c]}]\n").flows


def test_every_flow_counts_for_revision_and_seal() -> None:
    rules = valid(RICH)
    fewer = valid(RICH.replace("    - {from: [logs-*], to: [logs-ml-*]}\n", ""))
    wider = valid(RICH.replace("logs-ml-*", "logs-*"))
    assert len({one.revision for one in (rules, fewer, wider)}) == 3
    assert len({one.seal for one in (rules, fewer, wider)}) == 3
