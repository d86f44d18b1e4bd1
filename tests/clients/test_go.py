"""The Go client, directly and through."""

from functools import partial

import pytest

from tests.clients import installed
from tests.clients.chosen import only_if_chosen, ready
from tests.clients.expected import hold
from tests.clients.ground import Ground
from tests.clients.suite import compare, lines

# The first run installs the client.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1500), only_if_chosen("go")]

# The typed API has one error for all that a cluster refuses; line 7 hands out the answer itself.
RAISED = dict.fromkeys((400, 401, 403, 404, 503), "ElasticsearchError")
RAISED_IN_7 = dict.fromkeys(RAISED, "Response")
# It has a helper for bulks alone.
WITHOUT = {"scroll_helper"}


def test_go(ground: Ground) -> None:
    for line in lines(ground):
        client = ready("go", partial(installed.go, line))
        hold(compare(client, ground), RAISED_IN_7 if line == 7 else RAISED, WITHOUT)
