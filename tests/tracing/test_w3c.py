"""`traceparent` as W3C Trace Context has it: what is malformed is no trace, whatever it is."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.tracing.w3c import Ids, Parent, parent_of, read, without, written

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"
NAMED = Ids(trace_id=TRACE, span_id=SPAN)
# §3.2.2.1 to §4.3, written anew: a later version may say more behind a further dash.
FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@pytest.mark.parametrize(
    ("value", "flags", "sampled"),
    [
        (GOOD, 1, True),
        (f"00-{TRACE}-{SPAN}-00", 0, False),
        (f"00-{TRACE}-{SPAN}-03", 3, True),
        (f"00-{TRACE}-{SPAN}-fe", 254, False),
        (f" \t{GOOD} ", 1, True),
        (f"01-{TRACE}-{SPAN}-01", 1, True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", 1, True),
        (f"cc-{TRACE}-{SPAN}-01-", 1, True),
    ],
)
def test_a_span_is_read(value: str, flags: int, sampled: bool) -> None:
    assert read(value) == Parent(ids=NAMED, flags=flags)
    found = read(value)
    assert found is not None
    assert found.sampled is sampled


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-001",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        GOOD.upper(),
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}a-01",
        f"00_{TRACE}_{SPAN}_01",
        f"{GOOD}, {GOOD}",
        f"{GOOD}\n",
        f"00-{TRACE}-{SPAN}-0１",  # noqa: RUF001 -- a digit of another script
        f"00-{TRACE} -{SPAN}-01",
    ],
)
def test_what_is_malformed_names_no_span(value: str) -> None:
    assert read(value) is None


@given(st.one_of(st.text(), st.from_regex(FORM, fullmatch=True), st.text(alphabet="0123456789abcdef-", max_size=80)))
@example(GOOD)
def test_any_text_is_a_span_exactly_where_the_standard_says_so(value: str) -> None:
    inner = value.strip(" \t")
    form = FORM.fullmatch(inner)
    good = (
        form is not None
        and form[1] != "ff"
        and form[2].strip("0") != ""
        and form[3].strip("0") != ""
        and (form[1] != "00" or form[5] is None)
    )
    found = read(value)
    assert (found is not None) == good
    if found is not None and form is not None:
        assert (found.ids.trace_id, found.ids.span_id, found.flags) == (form[2], form[3], int(form[4], 16))


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 255))
def test_what_is_written_is_read_again(trace: int, span: int, flags: int) -> None:
    ids = Ids(trace_id=f"{trace:032x}", span_id=f"{span:016x}")
    assert read(written(ids, flags)) == Parent(ids=ids, flags=flags)


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        ([("traceparent", GOOD)], ""),
        ([("Traceparent", GOOD), ("TRACESTATE", "a=1")], "a=1"),
        ([("tracestate", "a=1"), ("traceparent", GOOD), ("tracestate", " b=2,c=3 ")], "a=1,b=2,c=3"),
        ([("traceparent", GOOD), ("tracestate", ""), ("tracestate", " "), ("tracestate", "b=2")], "b=2"),
    ],
)
def test_of_headers_the_list_of_states_is_one(headers: list[tuple[str, str]], state: str) -> None:
    assert parent_of(headers) == Parent(ids=NAMED, flags=1, state=state)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("tracestate", "a=1")],
        [("traceparent", "00-abc"), ("tracestate", "a=1")],
        [("traceparent", GOOD), ("Traceparent", GOOD)],
        [("traceparent", GOOD), ("traceparent", "")],
        [("traceparent2", GOOD)],
    ],
)
def test_headers_that_name_no_span_or_two(headers: list[tuple[str, str]]) -> None:
    assert parent_of(headers) is None


def test_what_says_nothing_of_a_trace_stays_as_it_is() -> None:
    headers = [("A", "1"), ("TraceParent", "x"), ("a", "2"), ("tracestate", "y"), ("trace", "z")]
    assert without(headers) == (("A", "1"), ("a", "2"), ("trace", "z"))
