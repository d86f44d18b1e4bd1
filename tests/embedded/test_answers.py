"""Answers in the format asked for."""

import json

import pytest
import yaml

from proxy.embedded.answers import answer, failed
from proxy.embedded.backend import Call
from proxy.embedded.core.failure import illegal
from proxy.embedded.failure import Failure
from proxy.embedded.request import Request

VALUE = {"a": {"b": 1, "c": 2}, "d": [3]}


def request(target: str = "/", *headers: tuple[str, str]) -> Request:
    return Request(Call(method="GET", target=target, headers=headers), {})


def test_json() -> None:
    found = answer(request(), VALUE)
    assert found.body == b'{"a":{"b":1,"c":2},"d":[3]}'
    assert dict(found.headers) == {"X-elastic-product": "Elasticsearch", "content-type": "application/json"}


@pytest.mark.parametrize("target", ["/?pretty", "/?pretty=true"])
def test_pretty(target: str) -> None:
    found = answer(request(target), VALUE)
    assert found.body.startswith(b'{\n  "a" : {\n')
    assert json.loads(found.body) == VALUE


def test_yaml() -> None:
    found = answer(request("/?format=yaml"), VALUE)
    assert yaml.safe_load(found.body) == VALUE
    assert dict(found.headers)["content-type"] == "application/yaml"


def test_vendor_types_are_answered_in_kind() -> None:
    accept = "application/vnd.elasticsearch+json; compatible-with=8"
    found = answer(request("/", ("Accept", accept)), VALUE)
    assert dict(found.headers)["content-type"] == "application/vnd.elasticsearch+json;compatible-with=8"


def test_filtering() -> None:
    assert answer(request("/?filter_path=a.b"), VALUE).body == b'{"a":{"b":1}}'
    assert answer(request("/?filter_path=-a"), VALUE).body == b'{"d":[3]}'
    assert answer(request("/?filter_path=z"), VALUE).body == b"{}"


def test_errors_are_not_filtered() -> None:
    found = failed(request("/?filter_path=status"), Failure(400, "t", "r"))
    assert json.loads(found.body)["error"]["reason"] == "r"


@pytest.mark.parametrize(("status", "named"), [(400, True), (401, False), (403, False), (404, True)])
def test_denials_do_not_name_the_product(status: int, named: bool) -> None:
    found = failed(request(), Failure(status, "t", "r", headers=[("WWW-Authenticate", "ApiKey")]))
    assert ("X-elastic-product" in dict(found.headers)) is named
    assert dict(found.headers)["WWW-Authenticate"] == "ApiKey"


def test_what_is_wrong_with_query_or_headers_is_told_in_json() -> None:
    assert failed(request("/?x=%zz"), illegal("bad")).status == 400
    assert json.loads(failed(request("/", ("accept", ";")), illegal("bad")).body)["error"]["reason"] == "bad"
