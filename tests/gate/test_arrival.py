"""What the gate's application takes of a request: the client's own headers, and what the edge tells beside them."""

from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from proxy.gate.arrival import arrived, sent_along
from tests.tracing.fakes import Kept

TARGET = "/_ml/data_frame/analytics/j/_start?timeout=1m"
HEADERS = CIMultiDict(
    [
        ("Authorization", "Basic x"),
        ("traceparent", "t"),
        ("TraceParent", "u"),
        ("X-Startgate-Peer", "10.0.0.1:5"),
        ("X-Startgate-Receipt", "r"),
        ("X-Startgate-Tls-Subject", "s"),
        ("X-Startgate-Front", "10.0.0.9"),
        ("X-Startgate-Plan", "only"),
        ("x-startgate-explain", "only"),
    ]
)


def test_a_start_holds_what_the_client_and_the_edge_sent() -> None:
    span = Kept("start", 7)
    one = arrived(make_mocked_request("POST", TARGET, headers=HEADERS), b"{}", span)
    assert (one.target, one.body, one.peer, one.receipt) == (TARGET, b"{}", "10.0.0.1:5", "r")
    assert (one.certificate, one.front, one.plan, one.explain) == ("s", "10.0.0.9", ("only",), ("only",))
    assert one.headers == (("Authorization", "Basic x"), ("traceparent", "t"), ("TraceParent", "u"))
    assert one.span == span.ids


def test_without_a_word_of_the_edge_there_is_a_receipt_all_the_same() -> None:
    request = make_mocked_request("POST", TARGET)
    one, other = arrived(request, b"", None), arrived(request, b"", None)
    assert one.receipt != other.receipt
    assert (one.peer, one.span, sent_along(request)) == ("", None, ())
