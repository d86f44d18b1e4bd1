"""What genuine nodes make of `traceparent`: what docs/decisions/136-one-traceparent.md rests on."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from tests.real.node import RealNode

pytestmark = pytest.mark.real

ONE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def asked(node: RealNode, *values: str) -> tuple[int, str]:
    """The status of a call with so many headers, and the reason where it is refused."""
    address = urlsplit(node.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    try:
        connection.putrequest("GET", "/", skip_accept_encoding=True)
        for value in values:
            connection.putheader("traceparent", value)
        connection.endheaders()
        answer = connection.getresponse()
        content = json.loads(answer.read())
    finally:
        connection.close()
    error = content.get("error", "")
    return answer.status, str(error if isinstance(error, str) else error["reason"])


@pytest.mark.parametrize("values", [(), (ONE,), (f"{ONE[:-1]}3",), ("cc-what-ever",), ("",), (ONE, ONE)])
def test_one_value_passes_whatever_it_is(real_node: RealNode, values: tuple[str, ...]) -> None:
    assert asked(real_node, *values) == (200, "")


def test_two_values_are_refused(real_node: RealNode) -> None:
    status, reason = asked(real_node, ONE, OTHER)
    assert status == 400
    assert "multiple values for single-valued header [traceparent]" in reason
