"""The JavaScript client, directly and through."""

import pytest

from tests.clients import installed
from tests.clients.expected import hold
from tests.clients.ground import Ground
from tests.clients.suite import compare, lines

pytestmark = [pytest.mark.real, pytest.mark.slow]

# It has one class for all that a cluster refuses; the status tells them apart.
RAISED = dict.fromkeys((400, 401, 403, 404, 503), "ResponseError")


def test_javascript(ground: Ground) -> None:
    for line in lines(ground):
        hold(compare(installed.javascript(line), ground), RAISED)
