"""The Python client, synchronous and not, directly and through."""

from functools import partial

import pytest

from tests.clients import installed
from tests.clients.chosen import only_if_chosen, ready
from tests.clients.expected import hold
from tests.clients.ground import Ground
from tests.clients.suite import compare, lines

# The first run installs the client.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600), only_if_chosen("python")]

RAISED = {
    400: "BadRequestError",
    401: "AuthenticationException",
    403: "AuthorizationException",
    404: "NotFoundError",
    503: "ApiError",
}
RAISED_IN_7 = RAISED | {400: "RequestError", 503: "TransportError"}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_python(ground: Ground, kind: str) -> None:
    for line in lines(ground):
        client = ready("python", partial(installed.python, line, kind))
        # Line 7 hands out no headers of an error.
        without = {"ours_receipt"} if line == 7 else ()
        hold(compare(client, ground), RAISED_IN_7 if line == 7 else RAISED, without)
