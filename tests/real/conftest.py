"""Fixtures of the tests on genuine nodes: one node per release and session, started when the first test asks for it."""

import os
from collections.abc import Iterator

import pytest

from tests.real.model import Model
from tests.real.node import RealNode
from tests.real.versions import CannotRun, Version, selected


def require_real() -> bool:
    """Whether a release that cannot run is a failure: STARTGATE_REQUIRE_REAL=1."""
    return os.environ.get("STARTGATE_REQUIRE_REAL", "") == "1"


@pytest.fixture(scope="module")
def real_node(shared_node: RealNode) -> RealNode:
    """A running node with the oracle plugin; tests that use it run once per release. A module finds it without the
    indices and templates of those before: what a wildcard stands for is told by what is there."""
    shared_node.clear()
    return shared_node


@pytest.fixture(scope="session", params=selected(), ids=lambda version: version.number)
def shared_node(request: pytest.FixtureRequest) -> Iterator[RealNode]:
    """The node of all modules.

    Nodes live one after the other: pytest orders tests by the parameter of a session's fixture.
    """
    version: Version = request.param
    try:
        node = RealNode.start(version.number)
    except CannotRun as reason:
        if require_real():
            pytest.fail(f"Elasticsearch {version.number} cannot run here: {reason}", pytrace=False)
        pytest.skip(f"Elasticsearch {version.number} cannot run here: {reason}")
    with node:
        yield node


@pytest.fixture(scope="session", params=[v for v in selected() if v.major >= 8], ids=lambda version: version.number)
def model(request: pytest.FixtureRequest) -> Iterator[Model]:
    """The security model of a release; tests that use it run once per release. None is published for 7.17.24."""
    version: Version = request.param
    try:
        found = Model(version)
    except CannotRun as reason:
        if require_real():
            pytest.fail(f"the security model of {version.number} cannot run here: {reason}", pytrace=False)
        pytest.skip(f"the security model of {version.number} cannot run here: {reason}")
    with found:
        yield found
