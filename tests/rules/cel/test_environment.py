"""The values of one start."""

import json
from typing import Any

import pytest

from proxy.model import Identity, Owner, OwnerKind
from proxy.rules.cel import Environment, GuardFailed, compile_condition
from proxy.rules.cel.cost import Part, Size
from proxy.rules.cel.environment import environment_of
from proxy.rules.cel.variables import VARIABLES, Kind, Variable
from proxy.rules.situation import Request, RunningJob, Situation, SourceName, Target, Unknown
from proxy.rules.subjects import Subject, Subjects, subjects_of
from tests.rules.cel.starts import BOB, CONFIG, RULES, environment, job, situation

KIBANA = Identity(
    username="kibana_system", roles=("kibana_system",), realm="reserved", realm_type="reserved", lookup_realm="reserved"
)
KEY = Identity(
    username="bob",
    realm="_es_api_key",
    realm_type="_es_api_key",
    authentication_type="api_key",
    api_key_id="k1",
    api_key_name="nightly",
)


def test_every_variable_and_field_is_there() -> None:
    known = environment()
    assert set(known) == {variable.name for variable in VARIABLES}
    assert len(known) == len(VARIABLES)

    def same(fields: tuple[Variable, ...], values: Any) -> None:
        assert list(values) == [field.name for field in fields]
        for field in fields:
            if field.kind is Kind.RECORD:
                same(field.fields, values[field.name])

    for variable in VARIABLES:
        if variable.kind is Kind.RECORD:
            same(variable.fields, known[variable.name])
    for running in known["running"]:
        same(next(variable.fields for variable in VARIABLES if variable.name == "running"), running)


def test_values_can_be_written_as_json() -> None:
    known = environment()
    text = json.dumps({name: known[name] for name in known})
    assert json.loads(text)["now"] == "2026-11-24T08:30:01.500+00:00"


def test_an_api_key_has_no_roles_but_its_own_names() -> None:
    caller = environment(situation(caller=KEY))["caller"]
    assert (caller["username"], caller["roles"], caller["api_key_id"], caller["api_key_name"]) == (
        *("bob", [], "k1"),
        "nightly",
    )


def test_the_data_subject_is_the_caller() -> None:
    known = environment()
    assert known["data"] == known["caller"]


def test_the_data_subject_is_the_secondary_identity_where_one_was_sent() -> None:
    known = environment(situation(caller=KIBANA, secondary=BOB))
    assert (known["caller"]["username"], known["caller"]["intermediary"]) == ("kibana_system", True)
    assert (known["data"]["username"], known["data"]["intermediary"]) == ("bob", False)


def test_a_secondary_identity_can_be_an_intermediary() -> None:
    assert environment(situation(secondary=KIBANA))["data"]["intermediary"] is True


def test_a_secondary_identity_that_is_not_there_is_not_known() -> None:
    known = environment_of(RULES, situation(), Subjects(data=Subject.SECONDARY, asked=(), intermediary=False))
    assert known.reason_not_known("data.roles") == "no secondary identity was sent"


OWNERS = {
    OwnerKind.ROLES: (Owner(kind=OwnerKind.ROLES, roles=("a",)), ("", ["a"], "", "realm")),
    OwnerKind.API_KEY: (Owner(kind=OwnerKind.API_KEY, api_key_id="k", api_key_name="n"), ("", [], "k", "api_key")),
    OwnerKind.SERVICE_ACCOUNT: (
        Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account="elastic/kibana"),
        ("elastic/kibana", [], "", "token"),
    ),
}


@pytest.mark.parametrize("kind", OWNERS)
def test_the_data_subject_is_the_owner_behind_an_intermediary(kind: OwnerKind) -> None:
    owner, wanted = OWNERS[kind]
    known = environment(situation(caller=KIBANA, job=job(owner=owner)))
    data = known["data"]
    assert (data["username"], data["roles"], data["api_key_id"], data["authentication_type"]) == wanted
    assert (data["intermediary"], data["runs_as"]) == (False, False)
    assert known["owner"]["kind"] == kind.value
    assert known["owner"]["roles"] == list(owner.roles)
    assert known["owner"]["service_account"] == (owner.service_account or "")
    assert known["owner"]["api_key_id"] == (owner.api_key_id or "")
    assert known["owner"]["api_key_name"] == (owner.api_key_name or "") == data["api_key_name"]


def test_an_owner_that_is_not_told_fails_those_who_ask() -> None:
    known = environment(situation(caller=KIBANA, job=job(owner=Owner(kind=OwnerKind.UNKNOWN))))
    for text in ('"a" in data.roles', 'owner.kind == "roles"', '!("a" in owner.roles)'):
        with pytest.raises(GuardFailed, match="whose credentials"):
            compile_condition(text).holds(known)
    assert compile_condition('caller.username == "kibana_system"').holds(known)


def test_an_owner_that_is_not_told_does_not_matter_to_a_caller_of_its_own() -> None:
    known = environment(situation(job=job(owner=Owner(kind=OwnerKind.UNKNOWN))))
    assert compile_condition('data.username == "bob"').holds(known)


def test_run_as_is_told() -> None:
    assert environment(situation(caller=Identity(username="x", asked_to_run_as=True)))["caller"]["runs_as"] is True


def test_sources_stand_for_indices_and_their_data_streams_each_once() -> None:
    sources = (
        SourceName(name=".ds-a-1", data_stream="a"),
        SourceName(name=".ds-a-2", data_stream="a"),
        SourceName(name="b", aliases=("c",)),
    )
    assert environment(situation(sources=sources))["job"]["source"]["resolved"] == [".ds-a-1", "a", ".ds-a-2", "b"]


def test_an_alias_does_not_hide_an_index() -> None:
    known = environment(situation(job=job(sources=("harmless",))))
    assert not compile_condition('job.source.index.exists(i, i.startsWith("pii-"))').holds(known)
    assert compile_condition('job.source.resolved.exists(i, i.startsWith("pii-"))').holds(known)


NOT_KNOWN = [
    ("sources", "job.source.resolved", "job.source.resolved.size() == 0"),
    ("target", "destination", "!destination.exists"),
    ("running", "running", "running.size() == 0"),
]


@pytest.mark.parametrize(("field", "path", "text"), NOT_KNOWN)
def test_what_could_not_be_found_out_says_why(field: str, path: str, text: str) -> None:
    condition = compile_condition(text)
    known = environment(situation(**{field: Unknown("no service credential")}))
    assert known.reason_not_known(path) == "no service credential"
    with pytest.raises(GuardFailed, match=f"{path}.* is not known: no service credential"):
        condition.holds(known)
    nobody_asked = environment(situation(**{field: None}))
    with pytest.raises(GuardFailed, match="it was not asked for"):
        condition.holds(nobody_asked)


def test_none_running_and_no_destination_are_known() -> None:
    known = environment(situation(running=(), target=Target()))
    assert compile_condition("running.size() == 0 && !destination.exists && destination.concrete == ''").holds(known)


@pytest.mark.parametrize(("written", "size"), [("4gb", 1 << 32), ("11mb", 11 << 20), ("1kb", 1024)])
def test_memory_is_told_in_bytes(written: str, size: int) -> None:
    known = environment(situation(job=job(config={"model_memory_limit": written})))
    assert known["job"]["model_memory_limit_bytes"] == size


def test_what_a_configuration_leaves_out_has_elasticsearchs_defaults() -> None:
    known = environment(situation(job=job(config={})))["job"]
    assert known["model_memory_limit_bytes"] == 1 << 30
    assert (known["max_num_threads"], known["allow_lazy_start"], known["description"]) == (1, False, "")


@pytest.mark.parametrize(("written", "lazy"), [(True, True), (False, False), (None, False), ("true", False)])
def test_a_job_may_wait_where_its_configuration_says_so(written: object, lazy: bool) -> None:
    known = environment(situation(job=job(config={"allow_lazy_start": written})))
    assert known["job"]["allow_lazy_start"] is lazy


@pytest.mark.parametrize("wrong", ["lots", 7, None, "-1"])
def test_memory_that_is_no_size_is_not_known(wrong: object) -> None:
    known = environment(situation(job=job(config={"model_memory_limit": wrong})))
    with pytest.raises(GuardFailed, match="is no size"):
        compile_condition("job.model_memory_limit_bytes > 4 * gib").holds(known)
    assert compile_condition('job.id == "j"').holds(known)


@pytest.mark.parametrize("threads", [0, -1, (1 << 63) - 1, -(1 << 63)])
def test_threads_are_any_number_that_can_be_held(threads: int) -> None:
    known = environment(situation(job=job(config={"max_num_threads": threads})))
    assert known.reason_not_known("job.max_num_threads") is None
    assert known["job"]["max_num_threads"] == threads


@pytest.mark.parametrize("wrong", ["2", 1.5, True, None, 1 << 63, -(1 << 63) - 1, [1]])
def test_threads_that_are_no_number_are_not_known(wrong: object) -> None:
    known = environment(situation(job=job(config={"max_num_threads": wrong})))
    with pytest.raises(GuardFailed, match="no whole number"):
        compile_condition("job.max_num_threads > 1").holds(known)


@pytest.mark.parametrize(("field", "text"), [("now_ms", "now > job.create_time"), ("job", "job.create_time < now")])
@pytest.mark.parametrize("moment", [1 << 62, -(1 << 62)])
def test_moments_beyond_the_calendar_are_not_known(field: str, text: str, moment: int) -> None:
    over: Any = moment if field == "now_ms" else job(create_time=moment)
    with pytest.raises(GuardFailed, match="no time that can be told"):
        compile_condition(text).holds(environment(situation(**{field: over})))


HALF = "\ud800"
HALVES = {
    "request.user_agent": situation(request=Request(user_agent=HALF)),
    # The last one, beside a whole character.
    "request.opaque_id": situation(request=Request(opaque_id="é\udfff")),
    "request.forwarded_for": situation(request=Request(forwarded_for=("a", HALF))),
    "job.description": situation(job=job(config={"description": HALF})),
    "caller.api_key_name": situation(caller=Identity(username="x", api_key_id="k", api_key_name=HALF)),
    "job.source.index": situation(job=job(sources=("a", HALF))),
    "running": situation(
        running=(RunningJob(id=HALF, analysis="", sources=(), destination="", model_memory_limit_bytes=1),)
    ),
}


def test_any_language_and_any_sign_are_text() -> None:
    known = environment(situation(job=job(config={"description": "Flüge 😀"})))
    assert compile_condition('job.description == "Flüge 😀"').holds(known)


@pytest.mark.parametrize("path", HALVES)
def test_half_a_character_is_not_known(path: str) -> None:
    known = environment(HALVES[path])
    with pytest.raises(GuardFailed, match="half of a surrogate pair"):
        compile_condition(f"{path} == {path} || true").holds(known)
    assert compile_condition("now > now || 4 * gib > 1").holds(known)


@pytest.mark.parametrize("value", [HALF, 1 << 70, b"x"])
def test_json_that_cannot_be_held_is_not_known_to_those_who_look(value: object) -> None:
    config = {**CONFIG, "_meta": {"a": [value]}}
    known = environment(situation(job=job(config=config, analysis_settings={"n": 1})))
    assert compile_condition('job.id == "j" && job.settings.n == 1').holds(known)
    with pytest.raises(GuardFailed, match=r"job\.config\.id is not known: it holds"):
        compile_condition('job.config.id == "j"').holds(known)


def test_a_record_that_leaves_parts_out_does_not_know_the_whole() -> None:
    known = environment(situation(left_out=("source.query",)))
    with pytest.raises(GuardFailed, match=r"the record leaves out source\.query"):
        compile_condition("has(job.config._meta)").holds(known)


def test_sizes_are_of_the_lists_and_texts() -> None:
    known = environment()
    assert known.size(Size("job.source.resolved", Part.LENGTH)) == 4
    assert known.size(Size("job.source.resolved", Part.TEXT)) == len(".ds-ds-1")
    # Of a field of each running job, the largest.
    assert known.size(Size("running.owner_roles", Part.LENGTH)) == 1
    assert known.size(Size("running.owner_roles", Part.TEXT)) == len("admin")
    # Of JSON the whole, wherever in it one looks.
    assert known.size(Size("job.config._meta.team", Part.LENGTH)) == len(CONFIG) * 2
    assert known.size(Size("job.config._meta.team", Part.WITHIN)) == 2
    assert known.size(Size("nothing", Part.LENGTH)) == 0
    assert environment(situation(running=())).size(Size("running.owner_roles", Part.LENGTH)) == 0


def test_it_can_be_asked_for_by_name() -> None:
    known = Environment({"job": {"id": "j"}})
    assert known["job"] == {"id": "j"}
    assert known["gib"] == 1 << 30
    with pytest.raises(KeyError):
        known["nothing"]
    assert known.reason_not_known("caller.username") == "there is no such value"
    assert known.reason_not_known("x") is None


def start(by: Identity) -> Situation:
    """A start by that identity."""
    return situation(caller=by)


@pytest.mark.parametrize("by", [BOB, KIBANA, KEY])
def test_the_intermediary_is_who_the_rules_trust(by: Identity) -> None:
    of = start(by)
    subjects = subjects_of(RULES, of.caller, None, of.job.owner)
    assert environment_of(RULES, of, subjects)["caller"]["intermediary"] is (by is KIBANA)
