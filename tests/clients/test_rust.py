"""The Rust client, directly and through."""

import pytest

from tests.clients import installed
from tests.clients.expected import hold
from tests.clients.ground import Ground
from tests.clients.suite import compare, lines

pytestmark = [pytest.mark.real, pytest.mark.slow]

# It hands out every answer as it is.
RAISED = dict.fromkeys((400, 401, 403, 404, 503), "Response")
# It has the operations of a bulk, and no other helper.
WITHOUT = {"scroll_helper"}


def test_rust(ground: Ground) -> None:
    for line in lines(ground):
        hold(compare(installed.rust(line), ground), RAISED, WITHOUT)
