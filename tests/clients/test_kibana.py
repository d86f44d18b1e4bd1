"""What Kibana sends, replayed with its client and its settings, directly and through."""

import pytest

from proxy.embedded.node import NODE_ID
from tests.clients import installed
from tests.clients.chosen import only_if_chosen, ready
from tests.clients.expected import refused
from tests.clients.ground import Ground
from tests.clients.suite import compare

# The first run installs the client.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600), only_if_chosen("javascript")]

NO_OWNER = (
    403,
    "security_exception",
    "Cannot start data frame analytics [sg-kibana-job] because the owner of the job cannot be judged",
)
DENIED = (
    403,
    "security_exception",
    "Cannot start data frame analytics [sg-kibana-job] because the secondary user [bob]",
)


def test_kibana(ground: Ground) -> None:
    line = ground.node.version.major
    client = ready("javascript", lambda: installed.javascript(line, "../kibana/kibana.js"))
    compared = compare(client, ground)
    assert compared.differing() == {}, compared.summary()
    through = compared.through.checks
    assert len(compared.direct.checks) == 20
    assert through["start"] == {"acknowledged": True, "node": NODE_ID}
    assert through["ended"] == ["stopped", 40]
    assert through["export_objects"] == [[12, 12, 6], True]
    assert through["kept_alive"] is True
    refused("ours_denied", through["ours_denied"], DENIED, {403: "ResponseError"})
    if line == 7:
        # Elasticsearch tells from 8.1 on who owns a job; before, Kibana's own user alone is not enough.
        refused("ours_no_owner", through["ours_no_owner"], NO_OWNER, {403: "ResponseError"})
