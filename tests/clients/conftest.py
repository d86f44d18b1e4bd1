"""Fixtures of the suites of clients: one ground per release and session."""

from collections.abc import Iterator

import pytest

from tests.clients.ground import Ground
from tests.real.conftest import require_real
from tests.real.node import RealNode
from tests.real.versions import CannotRun, Version, selected


@pytest.fixture(scope="session", params=selected(), ids=lambda version: version.number)
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A genuine node, and all that stands before it. Nodes live one after the other."""
    version: Version = request.param
    try:
        node = RealNode.start(version.number)
    except CannotRun as reason:
        if require_real():
            pytest.fail(f"Elasticsearch {version.number} cannot run here: {reason}", pytrace=False)
        pytest.skip(f"Elasticsearch {version.number} cannot run here: {reason}")
    with node, Ground(node) as found:
        yield found
