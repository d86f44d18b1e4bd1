"""Conditions: what they mean, what they look at, and how they fail."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from proxy.rules.cel import BadCondition, Environment, GuardFailed, compile_condition
from tests.rules.cel.starts import environment

TRUE = [
    'caller.username == "bob"',
    '"r1" in data.roles && data.username == "bob"',
    '!("dpo" in data.roles)',
    'caller.realm == "file1" && caller.realm_type == "file" && caller.authentication_type == "realm"',
    "!has(caller.api_key_id) && caller.api_key_id == ''",
    "!caller.runs_as && !caller.intermediary",
    'owner.kind == "roles" && owner.roles == ["r2", "r1"]',
    'owner.service_account == "" && !has(owner.api_key_name)',
    'job.id == "j" && job.version == "8.15.0"',
    'job.description.contains("flight")',
    # No time zone, whatever it looks like.
    '!job.description.contains("flights, all of them")',
    'job.create_time == timestamp("2026-11-24T08:00:00Z")',
    'job.source.index == ["pii-*", "logs"]',
    'job.source.index.exists(i, i.startsWith("pii-"))',
    'job.source.resolved.exists(i, i == "pii-2")',
    '"ds" in job.source.resolved',
    'job.source.resolved.all(i, i != "other")',
    "job.source.resolved.size() == 4 && size(job.source.resolved) == 4",
    'job.dest.index == "dest" && job.dest.results_field == "ml"',
    'job.analysis == "regression"',
    'job.settings.dependent_variable == "delay"',
    "job.settings.training_percent > 50",
    "job.settings.training_percent > 50.0",
    "has(job.settings.feature_processors) == false",
    'job.settings["dependent_variable"].startsWith("de")',
    'job.settings.exists(k, k == "training_percent")',
    "job.model_memory_limit_bytes == 4 * gib",
    "job.model_memory_limit_bytes > 4095 * mib && job.model_memory_limit_bytes < tib && 1024 * kib == mib",
    "job.max_num_threads == 2 && !job.allow_lazy_start",
    'job.config._meta.team == "a" && has(job.config._meta) && !has(job.config.nothing)',
    'destination.exists && destination.concrete == "dest-1" && destination.index == "dest"',
    'request.peer == "10.0.0.9" && request.forwarded_for[0] == "192.0.2.1" && request.timeout_seconds == 20.0',
    'request.user_agent.matches("^curl/[0-9.]+$") && request.opaque_id == ""',
    "running.size() == 2",
    'running.exists(r, r.id == "r1" && r.analysis == "regression")',
    'running.filter(r, r.destination == "d").size() == 2',
    "running.map(r, r.model_memory_limit_bytes).all(b, b == gib)",
    'running.exists_one(r, "admin" in r.owner_roles)',
    'running.exists(r, r.sources.exists(s, s == "logs" && s in job.source.index))',
    'running[0].id == "r0"',
    'now - job.create_time < duration("1h") && now > job.create_time',
    'now.getHours("Europe/Berlin") == 9 && now.getHours() == 8 && now.getHours("+02:00") == 10',
    "now.getDayOfWeek() == 2 && now.getMonth() == 10 && now.getDate() == 24 && now.getDayOfMonth() == 23",
    "now.getFullYear() == 2026 && now.getMinutes() == 30 && now.getSeconds() == 1 && now.getMilliseconds() == 500",
    "now.getDayOfYear() == 327",
    'now + duration("1h") > timestamp("2026-11-24T09:00:00Z")',
    'int("4") + 1 == 5 && double(1) == 1.0 && string(4) == "4" && int(now) == 1795509001',
    "7 / 2 == 3 && 7 % 2 == 1 && -7 / 2 == -3 && 7.0 / 2.0 == 3.5",
    "true ? 1 < 2 : false",
    '"a" + "b" == "ab" && [1] + [2] == [1, 2]',
    '"\\u00e9" == "é" && "é".size() == 1',
    'r"\\d" == "\\\\d" && """a"b""" == "a\\"b"',
    '// a comment\njob.id == "j"  // another',
    # An error on one side of `&&` or `||` does not count where the other side decides.
    "job.settings.nothing == 1 || true",
    "!(job.settings.nothing == 1 && false)",
]


@pytest.mark.parametrize("text", TRUE)
def test_conditions_that_hold(text: str) -> None:
    assert compile_condition(text).holds(environment()) is True


@pytest.mark.parametrize("text", TRUE)
def test_their_contraries_do_not_hold(text: str) -> None:
    assert compile_condition(f"!(\n{text}\n)").holds(environment()) is False


FAILING = {
    "job.settings.nothing == 1": "Key not found",
    "has(job.config.nothing.deeper)": "Key not found",
    'job.settings.training_percent == 1 || job.settings.training_percent < "1"': "No matching overloads",
    "job.max_num_threads / 0 == 1": "divide by zero",
    "job.max_num_threads % 0 == 1": "modulus by zero",
    "9223372036854775807 + job.max_num_threads > 0": "integer overflow",
    "job.max_num_threads * 9223372036854775807 > 0": "integer overflow",
    "running[5].id == job.id": "Index error",
    "int(job.id) == 1": "cannot convert",
    "timestamp(job.id) < now": "conversion failed",
    "duration(job.id) < now - now": "conversion failed",
    'job.settings.training_percent.startsWith("a")': "No matching overloads",
}


@pytest.mark.parametrize("text", FAILING)
def test_what_cannot_be_told_fails(text: str) -> None:
    with pytest.raises(GuardFailed, match=FAILING[text]):
        compile_condition(text).holds(environment())


BAD: Mapping[str, tuple[int, int, str]] = {
    'caller.usernme == "x"': (1, 8, "caller has no field 'usernme' (did you mean 'username'?)"),
    'job.model_memory_limit_bytes > "4gb"': (1, 30, "'>' cannot be applied to (int, string)"),
    "job.max_num_threads > 1.5": (1, 21, "whole numbers and fractions do not mix"),
    "request.timeout_seconds > 20": (1, 25, "whole numbers and fractions do not mix"),
    "job.max_num_threads > 1u": (1, 21, "cannot be applied to (int, uint)"),
    'jbo.id == "x"': (1, 1, "there is no variable 'jbo' (did you mean 'job'?)"),
    'true && jbo.source.index == ["x"]': (1, 9, "there is no variable 'jbo'"),
    "zzz > 1": (1, 1, "allowed: caller, data, owner"),
    "running.exists(r, r.idd == job.id)": (1, 21, "running has no field 'idd' (did you mean 'id'?)"),
    "job.source.zzz == []": (1, 12, "job.source has no field 'zzz' (allowed: index, resolved)"),
    'job.id ==\n  "a" &&\n  job.ids == "x"': (3, 7, "job has no field 'ids'"),
    "running.id == job.id": (1, 9, "a list(running) has no fields"),
    "caller.username": (1, 1, "gives string, and a guard needs a condition"),
    "  1": (1, 3, "gives int"),
    "job": (1, 1, "gives job, and a guard"),
    "job.settings.x": (1, 1, "may be of any type"),
    "has(job.settings) && true": (1, 4, "has(job.settings.key)"),
    "": (1, 1, "is empty"),
    " \n": (1, 1, "is empty"),
    "1 +": (1, 4, "ends too early"),
    "job.id = 1": (1, 8, "is not a CEL expression"),
    "job.id == 'a": (1, 11, "is not a CEL expression"),
    'job.id.startWith("a")': (1, 8, "there is no function 'startWith' (did you mean 'startsWith'?)"),
    "true && foo(1)": (1, 9, "there is no function 'foo'"),
    'job.id.split(",").size() == 1': (1, 8, "there is no function 'split'"),
    "dyn(1) == 1": (1, 1, "dyn() is not offered here"),
    "type(1) == int": (1, 1, "type() is not offered here"),
    '{"a": 1}["a"] == 1': (1, 1, "maps and messages cannot be written here"),
    'startgate.job{id: "x"} == job': (1, 1, "maps and messages cannot be written here"),
    'b"a" == b"a"': (1, 1, "bytes cannot be used here"),
    "job.id.matches(job.id)": (1, 8, "matches() takes a literal"),
    'job.id.matches("(")': (1, 16, "'(' is refused: invalid regular expression"),
    'job.id.matches("\\\\pL")': (1, 8, "is not supported in regular expressions"),
    'job.id.matches("(a)\\\\1")': (1, 16, "is refused"),
    'job.id.matches("(?=a)")': (1, 16, "is refused"),
    'now.getHours("Europe/Berln") > 1': (1, 14, "is refused: invalid timezone"),
    'now.getHours("/etc/passwd") > 1': (1, 5, "is not a time zone"),
    'now.getHours("../x") > 1': (1, 5, "is not a time zone"),
    "now.getHours(job.id) > 1": (1, 5, "a time zone is a literal"),
    'timestamp("x") < now': (1, 11, "is refused: string to Timestamp"),
    'now - now < duration("1x")': (1, 22, "is refused: string to Duration"),
    "9223372036854775808 > 0": (1, 1, "invalid int literal"),
    "job.source.index > 1": (1, 18, "cannot be applied to (list(string), int)"),
    "job.id in running": (1, 8, "'in' cannot be applied to (string, list(running))"),
    "[1, 2].exists(1, true)": (1, 15, "variable name must be"),
    "cel.bind(x, 1, x > 0)": (1, 10, "there is no variable 'x'"),
    "now() > now": (1, 1, "there is no function 'now'"),
    "true ? 1 : false": (1, 6, "cannot be applied to (bool, int, bool)"),
    'job.id == "\u202eabc"': (1, 12, "invisible character: U+202E"),
    'job.id == "a\u200b"': (1, 13, "invisible character: U+200B"),
    'job.id ==\n"\x00"': (2, 2, "invisible character: U+0000"),
    'job.id == "\ud800"': (1, 12, "invisible character: U+D800"),
    # A Cyrillic letter that looks like another.
    'j\u043eb.id == "x"': (1, 2, "is not a CEL expression"),
}


@pytest.mark.parametrize("text", BAD, ids=repr)
def test_what_is_refused_and_where(text: str) -> None:
    with pytest.raises(BadCondition) as caught:
        compile_condition(text)
    line, column, said = BAD[text]
    assert said in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert "\n" not in caught.value.message
    assert "startgate." not in caught.value.message


MENTIONS = {
    "job.source.resolved.size() > 1": {"job", "source", "resolved"},
    "running.exists(r, r.destination == job.dest.index)": {"running", "destination", "job", "dest", "index"},
    "[job].exists(j, j.source.resolved.size() > 1)": {"job", "source", "resolved"},
    "(true ? running : running).size() > 1": {"running"},
    "running[job.id.size()].owner_roles.exists(r, r in data.roles)": {
        *("running", "job", "id", "owner_roles", "data", "roles")
    },
    "job.source.index.exists(job, job == caller.username)": {"job", "source", "index", "caller", "username"},
    "1 < 2": set(),
    "has(job.config._meta.team)": {"job", "config", "_meta", "team"},
    "4 * gib > 1": {"gib"},
}


@pytest.mark.parametrize("text", MENTIONS)
def test_every_name_that_is_looked_at_is_told(text: str) -> None:
    assert compile_condition(text).mentions == MENTIONS[text]


UNKNOWN = {
    "job.source.resolved": ["job.source.resolved.size() > 1", "[job].exists(j, j.source.resolved.size() > 1)"],
    "destination": ["destination.exists", 'destination.index == "x"', "destination == destination"],
    "running": ["running.size() > 1", "running.exists(r, r.id == job.id)", "[running].exists(r, r.size() > 1)"],
    "job.config": ["job.config._meta.a == 1", "has(job.config.a)"],
}


@pytest.mark.parametrize(("path", "text"), [(path, text) for path, texts in UNKNOWN.items() for text in texts])
def test_what_is_not_known_fails_whoever_looks_at_it(path: str, text: str) -> None:
    known = environment()
    without = Environment({name: known[name] for name in known}, {path: "nobody may ask"})
    condition = compile_condition(f"true || {text}")
    assert condition.holds(known) is True
    with pytest.raises(GuardFailed, match="is not known: nobody may ask"):
        condition.holds(without)


def test_what_is_not_known_does_not_matter_to_others() -> None:
    known = environment()
    without = Environment({name: known[name] for name in known}, {"job.source.resolved": "no", "running": "no"})
    assert compile_condition('job.source.index.exists(i, i == "logs")').holds(without)


def test_a_plain_mapping_will_do() -> None:
    values: dict[str, Any] = {"now": "2026-11-24T08:00:00+00:00"}
    assert compile_condition("now.getHours() == 8 && 4 * gib > 1").holds(values)
    with pytest.raises(GuardFailed, match=r"job\.id is not known: there is no such value"):
        compile_condition('job.id == "x" || true').holds(values)


def test_threads_may_share_a_condition() -> None:
    condition = compile_condition('job.source.resolved.exists(i, i == "pii-2") && job.settings.training_percent > 1')
    found: list[bool] = []

    def ask() -> None:
        found.extend(condition.holds(environment()) for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 200


@pytest.mark.parametrize("values", [{"job": {"id": "j"}}, {"job": {"id": 7}}, {"job": None}, {"job": 7}, {"now": 7}])
def test_values_of_other_types_fail(values: dict[str, Any]) -> None:
    with pytest.raises(GuardFailed):
        compile_condition('job.id == "j" || now == now').holds(values)
