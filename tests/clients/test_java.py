"""The Java client, directly and through."""

from functools import partial

import pytest

from tests.clients import installed
from tests.clients.chosen import only_if_chosen, ready
from tests.clients.expected import hold
from tests.clients.ground import Ground
from tests.clients.suite import compare, lines

# The first run installs the client.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900), only_if_chosen("java")]

# It has one exception for all that a cluster refuses; status and error tell them apart.
RAISED = dict.fromkeys((400, 401, 403, 404, 503), "ElasticsearchException")
# It has a helper for bulks alone. A 503 never gets as far as its typed API.
WITHOUT = {"scroll_helper", "ours_no_gate"}


def test_java(ground: Ground) -> None:
    for line in lines(ground):
        client = ready("java", partial(installed.java, line))
        compared = compare(client, ground)
        hold(compared, RAISED, WITHOUT)
        refused = compared.through.checks["ours_no_gate"]
        assert refused["raised"] == "ResponseException"
        assert "connect_transport_exception" in refused["reason"]
