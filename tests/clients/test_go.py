"""The Go client, directly and through."""

import pytest

from tests.clients import installed
from tests.clients.expected import hold
from tests.clients.ground import Ground
from tests.clients.suite import compare, lines

pytestmark = [pytest.mark.real, pytest.mark.slow]

# The typed API has one error for all that a cluster refuses; line 7 hands out the answer itself.
RAISED = dict.fromkeys((400, 401, 403, 404, 503), "ElasticsearchError")
RAISED_IN_7 = dict.fromkeys(RAISED, "Response")
# It has a helper for bulks alone.
WITHOUT = {"scroll_helper"}


def test_go(ground: Ground) -> None:
    for line in lines(ground):
        hold(compare(installed.go(line), ground), RAISED_IN_7 if line == 7 else RAISED, WITHOUT)
