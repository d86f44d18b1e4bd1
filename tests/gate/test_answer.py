"""Refusals in Elasticsearch's words, shape and formats."""

import json
from collections.abc import Mapping

import cbor2
import pytest
import yaml

from proxy.errors import PassedOn, PlainRefusal, Refusal, error_body
from proxy.gate import answer as words
from proxy.gate.answer import refused, warned
from proxy.model import Answer
from proxy.rules import Origin, Verdict, Warned
from tests.gate.samples import FIRE

REFUSAL = Refusal(403, "security_exception", "nö")
BODY = error_body(403, "security_exception", "nö")


def told(refusal: Refusal = REFUSAL, accept: str | None = None, **parameters: str) -> Answer:
    return refused(refusal, parameters, accept, "r1")


def test_a_200_is_told_in_the_formats_of_a_refusal() -> None:
    shared = {"type": "double"}
    content = {"a": shared, "b": shared, "c": "ö"}
    plain = words.told(content, {}, None, "r1")
    assert (plain.status, plain.body.decode()) == (200, '{"a":{"type":"double"},"b":{"type":"double"},"c":"ö"}')
    assert plain.headers == (
        ("X-elastic-product", "Elasticsearch"),
        ("X-Startgate-Receipt", "r1"),
        ("Content-Type", "application/json"),
    )
    listed = words.told(content, {"format": "yaml"}, None, "r1").body
    assert (yaml.safe_load(listed), b"&" in listed) == (content, False)
    assert cbor2.loads(words.told(content, {}, "application/cbor", "r1").body) == content
    assert b"\n  " in words.told(content, {"pretty": ""}, None, "r1").body


def header(answer: Answer, name: str) -> str | None:
    return next((value for key, value in answer.headers if key.lower() == name), None)


def test_a_refusal_is_compact_json() -> None:
    assert told() == Answer(
        status=403,
        headers=(("X-Startgate-Receipt", "r1"), ("Content-Type", "application/json")),
        body='{"error":{"root_cause":[{"type":"security_exception","reason":"nö"}],"type":"security_exception",'
        '"reason":"nö"},"status":403}'.encode(),
    )


@pytest.mark.parametrize(
    ("status", "product"), [(400, "Elasticsearch"), (503, "Elasticsearch"), (401, None), (403, None)]
)
def test_the_product_is_named_but_not_to_strangers(status: int, product: str | None) -> None:
    assert header(told(Refusal(status, "t", "r")), "x-elastic-product") == product


def test_headers_of_the_refusal_go_along() -> None:
    refusal = Refusal(
        401, "security_exception", "r", headers=[("WWW-Authenticate", "Basic"), ("WWW-Authenticate", "ApiKey")]
    )
    assert told(refusal).headers[-2:] == (("WWW-Authenticate", "Basic"), ("WWW-Authenticate", "ApiKey"))


@pytest.mark.parametrize("value", ["", "true"])
def test_pretty_is_elasticsearchs_pretty(value: str) -> None:
    body = told(PlainRefusal(406, "", "why"), pretty=value).body
    assert body == b'{\n  "error" : "why",\n  "status" : 406\n}\n'


@pytest.mark.parametrize("value", ["false", "no"])
def test_not_pretty_is_compact(value: str) -> None:
    assert b" " not in told(Refusal(400, "t", "r"), pretty=value).body


@pytest.mark.parametrize(
    ("accept", "parameters", "media_type"),
    [
        (None, {"format": "yaml"}, "application/yaml"),
        ("application/yaml", {}, "application/yaml"),
        ("application/json", {"format": "yaml"}, "application/yaml"),
        ("application/vnd.elasticsearch+yaml;compatible-with=8", {}, "application/yaml"),
        (None, {"format": "cbor"}, "application/cbor"),
        ("application/cbor", {}, "application/cbor"),
        ("application/yaml", {"format": "json"}, "application/json"),
        (None, {"format": "smile"}, "application/json"),
        (None, {"format": ""}, "application/json"),
        ("*/*", {}, "application/json"),
        (
            "application/vnd.elasticsearch+json;compatible-with=8",
            {},
            "application/vnd.elasticsearch+json;compatible-with=8",
        ),
        (
            "application/vnd.elasticsearch+json; compatible-with=8 , */*",
            {},
            "application/vnd.elasticsearch+json; compatible-with=8",
        ),
    ],
)
def test_the_format_asked_for_is_given(accept: str | None, parameters: Mapping[str, str], media_type: str) -> None:
    answer = refused(REFUSAL, parameters, accept, "r1")
    assert header(answer, "content-type") == media_type
    if "yaml" in media_type:
        assert yaml.safe_load(answer.body) == BODY
    else:
        assert (cbor2 if "cbor" in media_type else json).loads(answer.body) == BODY


def test_filter_path_does_not_apply_to_errors() -> None:
    assert told(filter_path="status") == told()


@pytest.mark.parametrize("refusal", [REFUSAL, PassedOn(404, error_body(404, "t", "r"))])
def test_a_trace_is_given_where_asked_for(refusal: Refusal) -> None:
    error = json.loads(told(refusal, error_trace="true").body)["error"]
    assert error["stack_trace"] == f"{refusal.type}: {refusal.reason}\n\tat startgate.gate"
    assert "stack_trace" not in json.loads(told(refusal, error_trace="false").body)["error"]
    assert "stack_trace" not in str(refusal.body())


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(401, "t", "r"),
        PlainRefusal(406, "", "why"),
        PassedOn(404, {}),
        PassedOn(400, {"error": "text", "status": 400}),
    ],
)
def test_no_trace_where_there_is_no_place_for_one(refusal: Refusal) -> None:
    assert told(refusal, error_trace="") == told(refusal)


PLACE = Origin("r.yml", 1)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Mind the gap.", "Mind the gap."),
        ('"quoted" \\', '\\"quoted\\" \\\\'),
        ("100 % é", "100 %25 %C3%A9"),
        ("a\tb\r\nX: y", "a%09b%0D%0AX: y"),
        ("\ud800", "%3F"),
        ("x" * 2000, "x" * 1000),
    ],
)
def test_a_warning_is_a_quoted_text_whatever_it_says(message: str, told: str) -> None:
    plain = Answer(status=200, headers=(("A", "b"),))
    answer = warned(plain, Verdict(warnings=(Warned("w", message, PLACE),)))
    assert answer.headers == (("A", "b"), ("Warning", f'299 Startgate "[w] {told}"'))


def test_an_exception_that_lets_a_start_pass_is_told() -> None:
    answer = warned(Answer(status=200), Verdict(exception=FIRE))
    told = "[fire] break-glass exception: the rules deny this start and let it pass"
    assert answer.headers == (("Warning", f'299 Startgate "{told}"'),)


def test_an_answer_without_warnings_stays_as_it_is() -> None:
    plain = Answer(status=200, headers=(("A", "b"),))
    assert warned(plain, None) is plain
    assert warned(plain, Verdict(shadowed=(Warned("s", "x", PLACE),))) is plain
