"""Each limit: what is at it passes, what is one beyond is refused."""

import json

import pytest

from proxy.rules.cel import BadCondition, GuardFailed, compile_condition
from proxy.rules.cel.cost import Part, Size, Terms, constant, times
from proxy.rules.cel.limits import JSON_DEPTH, LOOPS_DEEP, NESTING, NODES, REGEX_BYTES, ROUNDS, STEPS, TERMS, TEXT_BYTES
from proxy.rules.situation import SourceName
from tests.rules.cel.starts import environment, job, situation


def named(count: int, name: str = "s") -> tuple[SourceName, ...]:
    """That many sources."""
    return tuple(SourceName(name=f"{name}{number}") for number in range(count))


def refused(text: str) -> str:
    """Why a condition is refused."""
    with pytest.raises(BadCondition) as caught:
        compile_condition(text)
    return caught.value.message


def failed(text: str, *, sources: int) -> str:
    """Why a condition fails with so many sources."""
    condition = compile_condition(text)
    known = environment(situation(sources=named(sources)))
    with pytest.raises(GuardFailed) as caught:
        condition.holds(known)
    return str(caught.value)


def holds(text: str, *, sources: int) -> bool:
    """Whether a condition holds with so many sources."""
    return compile_condition(text).holds(environment(situation(sources=named(sources))))


@pytest.mark.parametrize("letter", ["a", "é"])
def test_length_in_bytes(letter: str) -> None:
    frame = len('job.id == ""')
    count, rest = divmod(TEXT_BYTES - frame, len(letter.encode()))
    text = f'job.id == "{letter * count}{"a" * rest}"'
    assert len(text.encode()) == TEXT_BYTES
    compile_condition(text)
    assert refused(f"{text} ") == f"is {TEXT_BYTES + 1} bytes long (at most {TEXT_BYTES})"


def test_parts() -> None:
    # A comparison is three nodes, joining two is one more: n comparisons are 4n - 1.
    count = (NODES + 1) // 4
    compile_condition("||".join(["1==1"] * count))
    assert refused("||".join(["1==1"] * (count + 1))) == f"has more than {NODES} parts"
    # A sign is one more.
    most = ["1==1"] * (count - 1)
    compile_condition("||".join(["!(1==1)", *most]))
    assert refused("||".join(["!(1==1)", "!(1==1)", *most[1:]])) == f"has more than {NODES} parts"


def test_loops_within_each_other() -> None:
    def nested(depth: int) -> str:
        return "[1].all(a," * depth + "true" + ")" * depth

    compile_condition(nested(LOOPS_DEEP))
    assert refused(nested(LOOPS_DEEP + 1)) == f"has loops more than {LOOPS_DEEP} deep"


def test_loops_after_each_other_are_not_within() -> None:
    chain = "job.source.index.filter(a, true).filter(b, true).map(c, c).all(d, true)"
    assert compile_condition(chain).holds(environment())


@pytest.mark.parametrize("deep", ["(", "-(", "!(", "["])
def test_nesting(deep: str) -> None:
    """Which form takes how many of the library's levels is its business: at 32 brackets it has stopped."""
    closed = {"(": ")", "-(": ")", "!(": ")", "[": "]"}[deep]
    inner = "true" if deep in {"(", "!("} else "1"
    outer = " == []" if deep == "[" else " == 1" if deep == "-(" else ""
    compile_condition(f"{deep * 5}{inner}{closed * 5}{outer if deep != '[' else '.size() == 1'}")
    for levels in (NESTING + 1, 1000):
        assert (
            refused(deep * levels + inner + closed * levels + outer)
            == f"is nested too deeply (at most {NESTING} levels)"
        )


@pytest.mark.parametrize("sign", ["!", "-"])
def test_signs_cancel_out_however_many(sign: str) -> None:
    text = sign * 1000 + ("true" if sign == "!" else "1 == 1")
    assert compile_condition(text).holds(environment())


def test_long_chains_of_and_are_no_nesting() -> None:
    assert compile_condition(" && ".join(['job.id == "j"'] * 200)).holds(environment())


@pytest.mark.parametrize(
    ("at", "beyond"),
    [
        ("a" * REGEX_BYTES, "a" * (REGEX_BYTES + 1)),
        ("aa{500}", "aa{501}"),
        ("(a{10}){10}", "((a{10}){10}){10}"),
        ("." * (REGEX_BYTES // 8), "." * (REGEX_BYTES // 8 + 1)),
        ("[^a]{90}", "[^a]{100}"),
        ("aaa{2,50}", "aaa{2,500}"),
        ("aa{3,}", "aa{900,}"),
    ],
)
def test_size_of_regular_expressions(at: str, beyond: str) -> None:
    compile_condition(f"job.id.matches({json.dumps(at)})")
    message = refused(f"job.id.matches({json.dumps(beyond)})")
    assert message.startswith("the regular expression is ")
    assert message.endswith(f"(at most {REGEX_BYTES})")


def test_rounds() -> None:
    assert holds('job.source.resolved.all(i, i != "")', sources=ROUNDS - 1)
    assert (
        failed('job.source.resolved.all(i, i != "")', sources=ROUNDS) == f"its loops take more than {ROUNDS - 1} rounds"
    )


def test_rounds_of_loops_within_each_other_are_multiplied() -> None:
    text = 'job.source.resolved.all(i, [1, 2, 3].all(j, i != ""))'
    assert holds(text, sources=ROUNDS // 4 - 1)
    assert failed(text, sources=ROUNDS // 4 + 1) == f"its loops take more than {ROUNDS - 1} rounds"


STEPPING = [
    # Quadratic: each name is looked up in all, each round copies the list, each pair is compared.
    "job.source.resolved.all(i, i in job.source.resolved)",
    "job.source.resolved.filter(i, true).size() >= 0",
    'job.source.resolved.map(i, i + "x").size() >= 0',
    "job.source.resolved.map(i, job.source.resolved).size() >= 0",
    'job.source.resolved.all(i, i.matches("^s[0-9]+(a|b){0,20}$"))',
    "job.source.resolved.all(i, job.source.resolved == job.source.resolved)",
]


@pytest.mark.parametrize("text", STEPPING)
def test_steps(text: str) -> None:
    """There is a number of sources up to which it runs, and from which it is not even begun."""
    condition = compile_condition(text)
    assert condition.holds(environment(situation(sources=named(3))))
    low, high = 3, ROUNDS
    while high - low > 1:
        middle = (low + high) // 2
        if condition.most_steps(environment(situation(sources=named(middle)))) > STEPS:
            high = middle
        else:
            low = middle
    assert low >= 50, "so few must do"
    assert condition.holds(environment(situation(sources=named(low))))
    said = failed(text, sources=high)
    assert "steps" in said
    assert f"at most {STEPS}" in said


def test_long_texts_count() -> None:
    text = 'job.source.resolved.all(i, !job.description.contains("zz"))'
    condition = compile_condition(text)
    short, long = ({"description": "y" * count} for count in (100, 100_000))
    sources = named(1000)
    assert condition.holds(environment(situation(job=job(config=short), sources=sources)))
    with pytest.raises(GuardFailed, match="steps"):
        condition.holds(environment(situation(job=job(config=long), sources=sources)))


def test_what_costs_too_much_whatever_the_job_is_refused() -> None:
    ones = ",".join(["1"] * 900)
    compile_condition(f"[{ones}].size() == 900")
    assert "whatever the job" in refused(f"[{ones}].map(a, [1,2].map(b, a)).size() == 900")


@pytest.mark.parametrize("name", ["settings", "config"])
def test_levels_of_json(name: str) -> None:
    def nested(levels: int) -> dict[str, object]:
        value: object = 1
        for _ in range(levels - 1):
            value = {"a": value}
        return {"top": 1, "a": value} if isinstance(value, dict) else {"top": 1}

    condition = compile_condition(f"job.{name}.top == 1")
    field = {"settings": "analysis_settings", "config": "config"}[name]
    assert condition.holds(environment(situation(job=job(**{field: nested(JSON_DEPTH - 1)}))))
    for levels in (JSON_DEPTH + 1, 200_000):
        deep = environment(situation(job=job(**{field: nested(levels)})))
        with pytest.raises(GuardFailed, match=f"nests more than {JSON_DEPTH} levels"):
            condition.holds(deep)


def test_terms_of_the_cost() -> None:
    def terms(count: int) -> Terms:
        return {(Size(str(number), Part.LENGTH),): 1.0 for number in range(count)}

    assert len(times(terms(TERMS // 10), constant(2))) == TERMS // 10
    assert len(times(terms(TERMS), constant(2))) == TERMS
    with pytest.raises(BadCondition, match=f"more than {TERMS} sizes"):
        times(terms(TERMS + 1), constant(2))
