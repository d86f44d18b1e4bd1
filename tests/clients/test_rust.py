"""The Rust client, directly and through."""

from functools import partial

import pytest

from tests.clients import installed
from tests.clients.chosen import only_if_chosen, ready
from tests.clients.expected import hold
from tests.clients.ground import Ground
from tests.clients.suite import compare, lines

# The first run installs the client.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1500), only_if_chosen("rust")]

# It hands out every answer as it is.
RAISED = dict.fromkeys((400, 401, 403, 404, 503), "Response")
# It has the operations of a bulk, and no other helper.
WITHOUT = {"scroll_helper"}


def test_rust(ground: Ground) -> None:
    for line in lines(ground):
        client = ready("rust", partial(installed.rust, line))
        hold(compare(client, ground), RAISED, WITHOUT)
