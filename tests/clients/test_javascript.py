"""The JavaScript client, directly and through."""

from functools import partial

import pytest

from tests.clients import installed
from tests.clients.chosen import only_if_chosen, ready
from tests.clients.expected import hold
from tests.clients.ground import Ground
from tests.clients.suite import compare, lines

# The first run installs the client.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600), only_if_chosen("javascript")]

# It has one class for all that a cluster refuses; the status tells them apart.
RAISED = dict.fromkeys((400, 401, 403, 404, 503), "ResponseError")


def test_javascript(ground: Ground) -> None:
    for line in lines(ground):
        client = ready("javascript", partial(installed.javascript, line))
        hold(compare(client, ground), RAISED)
