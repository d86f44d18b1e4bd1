"""What goes on record of a request: named headers alone; a text about it without what it quotes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.gate.record_request import clients_span, request_fields, way_fields, without_quotes
from proxy.gate.request import Arrived
from proxy.tracing.w3c import Ids
from tests.gate.fakes import TARGET, arrived


def test_nothing_is_told_of_headers_that_are_not_named() -> None:
    told = request_fields(arrived(("Authorization", "Basic eA=="), ("X-Other", "1"), target=f"{TARGET}?timeout=1s"))
    assert told == {
        "source": {"address": "10.1.2.3", "ip": "10.1.2.3", "port": 4567},
        "http": {"request": {"method": "POST"}},
        "url": {"path": TARGET},
    }
    assert way_fields(arrived(("Authorization", "Basic eA=="))) == {}


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("[2001:db8::1]:80", {"address": "[2001:db8::1]", "ip": "2001:db8::1", "port": 80}),
        ("[fe80::1%eth0]:80", {"address": "[fe80::1%eth0]", "ip": "fe80::1", "port": 80}),
        ("fe80::1%2:80", {"address": "fe80::1%2", "ip": "fe80::1", "port": 80}),
        ("somewhere:80", {"address": "somewhere", "port": 80}),
        ("somewhere", {"address": "somewhere"}),
    ],
)
def test_an_address_is_one_that_an_index_takes(peer: str, source: dict[str, object]) -> None:
    """A record with another as `source.ip` would be refused as a whole, and never be shipped."""
    assert request_fields(arrived(peer=peer))["source"] == source


def test_texts_of_a_client_are_bounded() -> None:
    told = request_fields(arrived(("User-Agent", "x" * 5000), ("X-Forwarded-For", "y" * 5000)))
    assert told["user_agent"]["original"].endswith("…[5000 characters]")
    assert told["client"]["address"].endswith("…[5000 characters]")


@pytest.mark.parametrize("rest", ["", "?key=letmein", "#letmein", "#letmein?x", "?x#letmein"])
def test_of_the_target_the_path_alone_is_told(rest: str) -> None:
    assert request_fields(arrived(target=f"{TARGET}{rest}"))["url"] == {"path": TARGET}


@pytest.mark.parametrize("values", [("",), (" , ",), (",", " ")])
def test_an_empty_forwarded_for_has_no_entries(values: tuple[str, ...]) -> None:
    assert way_fields(arrived(*(("X-Forwarded-For", value) for value in values))) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"request [{TARGET}] contains unrecognized parameter: [key]",
            f"request [{TARGET}] contains unrecognized parameter: […]",
        ),
        ("Invalid id; 'outliers' differs from 'other'", "Invalid id; 'outliers' differs from '…'"),
        ("the connection was lost", "the connection was lost"),
        ("Unrecognized token letmein: was expecting", "Unrecognized token …: was expecting"),
        ("nothing of outliers is hidden", "nothing of outliers is hidden"),
    ],
)
def test_quotes_of_query_and_body_are_left_out(text: str, told: str) -> None:
    start = arrived(target=f"{TARGET}?key=1", body=b'{"outliers": letmein}')
    assert without_quotes(text, start) == told


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=30))
def test_whatever_is_quoted_in_brackets_goes(value: str) -> None:
    told = without_quotes(f"Failed to parse value [{value}]", arrived())
    assert f"[{value}]" not in told or value in TARGET


def test_a_long_text_is_not_searched_to_its_end() -> None:
    assert len(without_quotes("x" * 100_000, arrived())) < 10_000


def test_of_a_traced_start_the_ids_are_those_of_its_own_span() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    one = Arrived(target="/", headers=(("traceparent", parent),), receipt="r")
    own = Ids(trace_id="0af7651916cd43dd8448eb211c80319c", span_id="1" * 16)
    assert clients_span(one) == Ids(trace_id=own.trace_id, span_id="b7ad6b7169203331")
    for start, ids in ((one, clients_span(one)), (replace(one, span=own), own)):
        assert ids is not None
        told = request_fields(start)
        assert (told["trace"], told["span"]) == ({"id": ids.trace_id}, {"id": ids.span_id})


def test_two_traceparents_name_no_trace() -> None:
    parent = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    told = request_fields(Arrived(target="/", headers=(parent, parent), receipt="r"))
    assert not {"trace", "span"} & set(told)
