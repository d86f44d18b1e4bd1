"""Flows: which sources may be copied into which destinations."""

from dataclasses import replace

import pytest

from proxy.model import Job
from proxy.rules.compiled import Flow, Origin, Rules
from proxy.rules.evaluate import judge
from proxy.rules.matching import judge_flows
from proxy.rules.situation import Situation, SourceName, Target, Unknown
from proxy.rules.verdict import Outcome, ReasonKind
from tests.rules.samples import granted, job, rules, situation


def flow(sources: str, destinations: str, line: int = 20) -> Flow:
    return Flow(sources=tuple(sources.split()), destinations=tuple(destinations.split()), origin=Origin("r.yml", line))


HR = flow("hr-* people", "hr-ml-*")
LOGS = flow("logs-*", "ml-* hr-ml-logs", 23)


def with_flows(*flows: Flow) -> Rules:
    return replace(rules(), flows=flows)


def start(
    over: Job,
    destination: str,
    *concrete: SourceName | str,
    behind: str | None = None,
) -> Situation:
    """A start of a job into a destination, with the indices that its sources stand for."""
    names = tuple(SourceName(name=one) if isinstance(one, str) else one for one in concrete)
    found = situation(replace(over, destination=destination))
    return replace(found, sources=names, target=Target(name=behind), held=granted(rules(), found))


def against(wanted: Rules, of: Situation) -> list[str]:
    return [reason.text for reason in judge(wanted, of).reasons]


def test_without_flows_nothing_is_looked_at() -> None:
    assert list(judge_flows(rules(), situation())) == []


def test_an_empty_list_lets_nothing_be_copied() -> None:
    assert against(with_flows(), start(job("a"), "b", "a")) == [
        "no flow lets [a] be copied into [b]",
        "no flow lets [a] be copied into [b]: a source expression stands for it",
    ]


def test_what_a_flow_covers_passes_and_names_the_flow() -> None:
    verdict = judge(with_flows(LOGS, HR), start(job("hr-2024*", "people"), "hr-ml-x", "hr-2024-1", "people"))
    assert verdict.allowed
    steps = [step for step in verdict.steps if step.kind == "flow"]
    assert [(step.text, str(step.origin)) for step in steps] == [
        ("[hr-2024*] may be copied into [hr-ml-x]", "r.yml:20"),
        ("[people] may be copied into [hr-ml-x]", "r.yml:20"),
        ("2 of 2 indices behind the expressions may be copied into [hr-ml-x]", "None"),
    ]
    assert steps[0].seen == {"source": "hr-2024*", "from": ["hr-*", "people"], "to": ["hr-ml-*"]}


@pytest.mark.parametrize(
    ("sources", "destination", "told"),
    [
        (("hr-*",), "ml-x", ["no flow lets [hr-*] be copied into [ml-x]"]),
        (("hr*",), "hr-ml-x", ["no flow lets [hr*] be copied into [hr-ml-x]"]),
        (("hr-a,secret",), "hr-ml-x", ["no flow lets [secret] be copied into [hr-ml-x]"]),
        (("_all",), "hr-ml-x", ["no flow lets [*] be copied into [hr-ml-x]"]),
        (("hr-a", "x", "y"), "hr-ml-x", [f"no flow lets [{one}] be copied into [hr-ml-x]" for one in "xy"]),
        (("-hr-a",), "hr-ml-x", ["the job names no source index besides exclusions, so no flow covers it"]),
    ],
)
def test_an_expression_must_be_in_a_flow_as_a_whole(
    sources: tuple[str, ...], destination: str, told: list[str]
) -> None:
    texts = against(with_flows(HR, LOGS), start(job(*sources), destination))
    assert [text for text in texts if "flow" in text] == told


def test_two_flows_together_do_not_cover_one_expression() -> None:
    halves = with_flows(flow("a-1*", "out"), flow("a-2*", "out"))
    assert against(halves, start(job("a-*"), "out")) == ["no flow lets [a-*] be copied into [out]"]


def test_an_alias_does_not_evade_a_flow() -> None:
    """Its own name is covered, and the index behind it is not."""
    (reason,) = judge(with_flows(LOGS), start(job("logs-all"), "ml-x", "hr-1")).reasons
    assert (reason.kind, reason.index) == (ReasonKind.FLOW, "hr-1")
    assert reason.text == "no flow lets [hr-1] be copied into [ml-x]: a source expression stands for it"


def test_a_data_streams_name_covers_its_backing_indices() -> None:
    backing = SourceName(name=".ds-logs-web-2024.01.01-000001", data_stream="logs-web")
    assert not against(with_flows(LOGS), start(job("logs-web"), "ml-x", backing))
    other = replace(backing, data_stream="metrics-web")
    (text,) = against(with_flows(LOGS), start(job("logs-web"), "ml-x", other))
    assert "of the data stream [metrics-web]," in text


def test_the_index_behind_the_destination_counts_as_well() -> None:
    """One flow must let both be written, and not each by itself."""
    assert not against(with_flows(HR), start(job("hr-1"), "hr-ml-x", "hr-1", behind="hr-ml-x"))
    assert not against(with_flows(HR), start(job("hr-1"), "hr-ml-x", "hr-1", behind="hr-ml-y"))
    assert against(with_flows(HR), start(job("hr-1"), "hr-ml-x", "hr-1", behind="public"))[0] == (
        "no flow lets [hr-1] be copied into [public] behind [hr-ml-x]"
    )
    apart = with_flows(flow("hr-*", "hr-ml-*"), flow("hr-*", "public"))
    assert against(apart, start(job("hr-1"), "hr-ml-x", "hr-1", behind="public"))


@pytest.mark.parametrize("unknown", [None, Unknown("the cluster did not say")])
def test_what_names_stand_for_must_be_known(unknown: Unknown | None) -> None:
    why = "nobody looked what the names of sources and destination stand for" if unknown is None else unknown.text
    of = replace(start(job("hr-1"), "hr-ml-x"), sources=unknown, target=unknown)
    verdict = judge(with_flows(HR), of)
    assert [reason.text for reason in verdict.reasons] == [
        f"what the destination [hr-ml-x] stands for is not known: {why}",
        f"what the source expressions stand for is not known: {why}",
    ]
    assert [step.outcome for step in verdict.steps if step.kind == "flow"].count(Outcome.UNKNOWN) == 2


def test_what_cannot_be_compared_denies() -> None:
    (text,) = against(with_flows(flow("/hr(/", "*")), start(job("hr-1"), "x", "hr-1"))
    assert text.startswith("the flows cannot be compared exactly: ")


def test_a_job_with_too_many_patterns_to_compare_is_denied() -> None:
    """Whoever makes a job chooses its expressions; other starts must not wait for minutes until they are compared."""
    many = tuple(flow(f"logs-*-{number}-*", "ml-*") for number in range(60))
    patterns = [f"logs-*{number}*" for number in range(200)]
    wanted = with_flows(*many)
    assert against(wanted, start(job(*patterns), "ml-a")) == [
        "the flows cannot be compared exactly: all source expressions take more than 500000 steps; fewer patterns in"
        " the job would help"
    ]


def test_plain_names_are_compared_however_many_they_are() -> None:
    many = tuple(flow(f"logs-{number}-*", "ml-*") for number in range(60))
    plain = [f"logs-59-{number}" for number in range(2000)]
    assert against(with_flows(*many), start(job(*plain), "ml-a")) == []
    assert against(with_flows(*many), start(job(*plain, "logs-60-x"), "ml-a")) == [
        "no flow lets [logs-60-x] be copied into [ml-a]"
    ]


def test_a_name_that_only_begins_as_a_flows_is_not_in_it() -> None:
    # An alias of an index that the flow lets pass may stand for another tomorrow.
    of = start(job("people2"), "hr-ml-x", "people")
    assert against(with_flows(HR), of) == ["no flow lets [people2] be copied into [hr-ml-x]"]


@pytest.mark.parametrize(
    ("concrete", "wanted"),
    [
        (
            ("people", "b", "c"),
            [
                ("denied", {"source": "b"}),
                ("denied", {"source": "c"}),
                ("passed", {"indices": 3, "beyond": 2}),
            ],
        ),
        (("b",), [("denied", {"source": "b"})]),
    ],
)
def test_each_index_beyond_a_flow_is_a_step_and_those_within_are_one(
    concrete: tuple[str, ...], wanted: list[tuple[str, object]]
) -> None:
    found = list(judge_flows(with_flows(HR), start(job("people"), "hr-ml-x", *concrete)))[1:]
    assert [(finding.step.outcome.value, dict(finding.step.seen)) for finding in found] == wanted
    within = [finding.step.text for finding in found if finding.step.outcome is Outcome.PASSED]
    assert within == ["1 of 3 indices behind the expressions may be copied into [hr-ml-x]"][: len(within)]


def test_what_is_not_known_names_no_index() -> None:
    of = replace(start(job("people"), "hr-ml-x"), sources=Unknown("the cluster did not say"))
    found = list(judge_flows(with_flows(HR), of))
    assert [dict(finding.step.seen) for finding in found if finding.step.outcome is Outcome.UNKNOWN] == [{}]
