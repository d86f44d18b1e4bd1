"""What a start asks for: target, query, body and id, each refused in Elasticsearch's words and order."""

import gzip
import time
from dataclasses import replace
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Refusal
from proxy.gate.request import Wanted, header_text, parameters_of, read_request
from tests.gate.fakes import TARGET, arrived, tried

JSON = ("Content-Type", "application/json")
PATH = "/_ml/data_frame/analytics/outliers/_start"


def read(target: str = TARGET, body: bytes = b"", *headers: tuple[str, str]) -> Wanted:
    start = arrived(*headers, target=target, body=body)
    return read_request(start, parameters_of(start.target))


def refusal(target: str = TARGET, body: bytes = b"", *headers: tuple[str, str]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        read(target, body, *headers)
    return raised.value


def with_id(segment: str) -> str:
    return f"/_ml/data_frame/analytics/{segment}/_start"


@pytest.mark.parametrize(
    ("target", "job_id"),
    [
        (TARGET, "outliers"),
        (TARGET + "/", "outliers"),
        (TARGET + "///?pretty", "outliers"),
        (with_id("%6Futliers"), "outliers"),
        (with_id("a.b-c_1"), "a.b-c_1"),
        (with_id("0"), "0"),
        (with_id("a" * 64), "a" * 64),
        (TARGET + "?id=other", "outliers"),
    ],
)
def test_the_id_is_read_from_the_path(target: str, job_id: str) -> None:
    assert read(target).job_id == job_id


@pytest.mark.parametrize(
    ("query", "body", "timeout_s"),
    [
        ("", b"", 20.0),
        ("?timeout=5s", b"", 5.0),
        ("?timeout=5s;timeout=6s", b"", 6.0),
        ("?timeout=-1", b"", None),
        ("", b'{"timeout":"1m"}', 60.0),
        ("", b"{}", 20.0),
        ("?source=%7B%22timeout%22%3A%227s%22%7D&source_content_type=application/json", b"", 7.0),
        ("?format=yaml&filter_path=a&pretty&human=false&error_trace=true", b'{"id":"outliers"}', 20.0),
    ],
)
def test_the_timeout_is_read_from_query_or_body(query: str, body: bytes, timeout_s: float | None) -> None:
    assert read(TARGET + query, body, JSON) == Wanted(job_id="outliers", timeout_s=timeout_s)


@pytest.mark.parametrize("target", ["/", "", "/_ml/data_frame/analytics/x", "_ml/data_frame/analytics/x/_start"])
def test_what_is_no_start_is_told_so(target: str) -> None:
    assert refusal(target).reason == f"[{target}] is not the start of a data frame analytics job"


@pytest.mark.parametrize("segment", ["*", "foo*", "a,b", "_all", "", "%2A", "a%2Cb", "%5Fall"])
def test_expressions_are_no_ids(segment: str) -> None:
    told = refusal(with_id(segment))
    assert (told.status, told.type) == (400, "action_request_validation_exception")
    assert told.reason.startswith("Validation Failed: 1: Invalid id; '")
    assert told.reason.endswith("' is an expression; a start names exactly one job;")


@pytest.mark.parametrize(
    "segment", ["Foo", "-a", "a-", "a b", "x%23", "a%2Fb", "..", ".", "%C3%A4", "a%00", "_x", "%%"]
)
def test_ids_follow_elasticsearchs_pattern(segment: str) -> None:
    told = refusal(with_id(segment))
    assert (told.status, told.type) == (400, "action_request_validation_exception")
    assert told.reason.endswith(
        "' can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; "
        "must start and end with alphanumeric;"
    )


def test_ids_end_at_64_characters() -> None:
    told = refusal(with_id("a" * 65))
    assert told.reason == f"Validation Failed: 1: Invalid id; '{'a' * 65}' cannot contain more than 64 characters.;"


def test_an_id_in_the_body_must_be_that_of_the_path() -> None:
    told = refusal(TARGET, b'{"id":"other"}', JSON)
    assert (told.status, told.type) == (400, "illegal_argument_exception")
    assert told.reason == (
        "Inconsistent id; 'other' specified in the body differs from 'outliers' specified as a URL argument"
    )


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("foo=1", ": [foo]"),
        ("timeoutt=1s", ": [timeoutt] -> did you mean [timeout]?"),
        ("TIMEOUT=1s", ": [TIMEOUT]"),
        ("prety", ": [prety] -> did you mean [pretty]?"),
        ("humant=1", ": [humant] -> did you mean [human]?"),
        ("formt=1", ": [formt] -> did you mean [format]?"),
        ("zz=1&aa=2", "s: [aa], [zz]"),
        ("tmeout=1&xx=1", "s: [tmeout] -> did you mean [timeout]?, [xx]"),
        ("master_timeout=1s", ": [master_timeout]"),
        ("source_content_type=application/json", ": [source_content_type]"),
        ("=1", ": []"),
        ("x%5D=1", ": [x]]"),
    ],
)
def test_unknown_parameters_are_named_with_what_was_meant(query: str, named: str) -> None:
    told = refusal(f"{TARGET}?{query}")
    assert (told.status, told.type) == (400, "illegal_argument_exception")
    assert told.reason == f"request [{PATH}] contains unrecognized parameter{named}"


def test_several_parameters_may_have_been_meant() -> None:
    told = refusal(f"{TARGET}?source=%7B%7D&source_content_type=application/json&source_type=x").reason
    assert told.endswith(": [source_type] -> did you mean any of [source_content_type, source]?")


@pytest.mark.parametrize("query", ["timeout=5s", "source=%7B%7D", "source=%7B%7D&source_content_type=application/json"])
def test_with_a_body_elasticsearch_does_not_read_these(query: str) -> None:
    assert "unrecognized parameter" in refusal(f"{TARGET}?{query}", b"{}", JSON).reason


@pytest.mark.parametrize("name", ["pretty", "human", "error_trace"])
def test_common_parameters_are_true_or_false(name: str) -> None:
    assert refusal(f"{TARGET}?{name}=1").reason == "Failed to parse value [1] as only [true] or [false] are allowed."
    for good in ("", "=", "=true", "=false"):
        read(f"{TARGET}?{name}{good}")


@pytest.mark.parametrize(
    ("target", "body", "told"),
    [
        (with_id("Foo") + "?x=1", b"{", "body cannot be parsed"),
        (with_id("Foo") + "?x=1", b'{"id":"bar","timeout":"x"}', "Inconsistent id"),
        (with_id("Foo") + "?x=1", b'{"timeout":"x"}', "failed to parse setting [timeout]"),
        (with_id("Foo") + "?x=1", b"", "unrecognized parameter"),
        (with_id("%zz") + "?x=1", b"{", "invalid escape sequence"),
    ],
)
def test_of_several_faults_the_first_is_told(target: str, body: bytes, told: str) -> None:
    assert told in refusal(target, body, JSON).reason


def test_a_compressed_body_is_read() -> None:
    body = gzip.compress(b'{"id":"other"}')
    assert "Inconsistent id" in refusal(TARGET, body, JSON, ("Content-Encoding", "gzip")).reason


@pytest.mark.parametrize("target", [TARGET + "?filter_path=\udcff", with_id("ä"), TARGET + "?x=\xff"])
def test_a_target_is_ascii(target: str) -> None:
    assert refusal(target).reason == "the request target holds bytes that are not ASCII"


def test_thousands_of_unknown_parameters_do_not_cost_much_time() -> None:
    for target in (f"{TARGET}?{'&'.join(f'timeou{n}' for n in range(3000))}", f"{TARGET}?{'x' * 60_000}"):
        begun = time.process_time()
        assert "unrecognized parameter" in refusal(target).reason
        assert time.process_time() - begun < 2.0, "a slow machine included"


def test_headers_are_found_by_lower_case_name() -> None:
    start = arrived(("X-Opaque-Id", "1"), ("x-opaque-id", "2"), target=TARGET + "?a#b?c")
    assert start.header("x-opaque-id") == "1"
    assert start.header("missing") is None
    assert start.header_values("x-opaque-id") == ["1", "2"]
    assert start.path == PATH


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(arrived(("Authorization", "secret"), body=b"secret"))


@pytest.mark.parametrize(("raw", "text"), [(b"plain", "plain"), ("ä".encode(), "ä"), (b"\xe4", "ä"), (b"", "")])
def test_header_bytes_become_texts(raw: bytes, text: str) -> None:
    assert header_text(raw) == text


@given(st.binary())
def test_header_bytes_always_become_texts(raw: bytes) -> None:
    """Bytes that are UTF-8 stay what they are when they are sent again."""
    text = header_text(raw)
    assert text.encode() == raw or text.encode("latin-1") == raw


@given(
    st.text(st.sampled_from("%_~-.aZ09*,/?&=;#+é\udc80")),
    st.text(st.sampled_from("%=&;#+?tiprety0s-1")),
    st.binary(max_size=20),
    st.sampled_from(["application/json", "application/yaml", "text/plain", ""]),
)
def test_any_request_is_wanted_or_refused(segment: str, query: str, body: bytes, content_type: str) -> None:
    """Never anything but a start of exactly one well-formed id, or a Refusal with 400 or 406."""
    start = arrived(("content-type", content_type), target=f"{with_id(segment)}?{query}", body=body)
    wanted = tried(lambda: read_request(start, parameters_of(start.target)))
    if isinstance(wanted, Refusal):
        assert wanted.status in (400, 406)
    else:
        assert wanted.job_id.isascii()
        assert wanted.job_id == wanted.job_id.lower()
        assert not set(wanted.job_id) & set("*,/%?#")


@given(st.text(st.sampled_from("timeoupr"), max_size=12))
def test_hints_are_more_than_half_alike(name: str) -> None:
    told = tried(lambda: read(f"{TARGET}?{name}=5s"))
    if isinstance(told, Refusal) and "did you mean [" in told.reason:
        meant = told.reason.rpartition("did you mean [")[2].removesuffix("]?")
        assert SequenceMatcher(None, name, meant).ratio() > 0.4


# --- what asks for an explanation never gets a start

EXPLAINED = "?startgate_explain=only"


@pytest.mark.parametrize("query", ["", EXPLAINED, EXPLAINED + "&pretty"])
def test_an_explanation_is_asked_for_by_a_header_with_or_without_the_parameter(query: str) -> None:
    start = replace(arrived(target=TARGET + query), explain=("only",))
    assert read_request(start, parameters_of(start.target)).job_id == "outliers"
    assert start.explain_only


@pytest.mark.parametrize(
    ("wishes", "query", "text"),
    [
        ({"explain": ("yes",)}, "", "[yes] in [X-Startgate-Explain] is not understood"),
        ({"explain": ("",)}, "", "[] in [X-Startgate-Explain] is not understood"),
        ({"explain": ("only", "only")}, "", "[only], [only] in [X-Startgate-Explain]"),
        ({"explain": ("X-Startgate-Explained: only",)}, "", "is not understood"),
        ({"explain": ("only",)}, "?startgate_explain=yes", "[only], [yes] in [X-Startgate-Explain]"),
        ({"explain": ("only",), "plan": ("only",)}, "", "ask for two things at once"),
        ({}, EXPLAINED, "unrecognized parameter: [startgate_explain]"),
        ({"plan": ("only",)}, EXPLAINED, "unrecognized parameter: [startgate_explain]"),
    ],
)
def test_in_any_other_way_it_is_refused(wishes: dict[str, tuple[str, ...]], query: str, text: str) -> None:
    start = replace(arrived(target=TARGET + query), **wishes)  # type: ignore[arg-type] # tuples of texts, all of them
    refused = tried(lambda: read_request(start, parameters_of(start.target)))
    assert isinstance(refused, Refusal)
    assert refused.status == 400
    assert text in refused.reason
