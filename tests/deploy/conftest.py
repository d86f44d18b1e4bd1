"""What several tests of deployments share, as it takes a while to make."""

from collections.abc import Iterator

import pytest

from tests.deploy.containers import NETWORK, Engine, engine, need_engine, with_base


@pytest.fixture(name="podman", scope="session")
def make_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that has built the image, with a network that knows names."""
    need_engine()
    with engine(tmp_path_factory.mktemp("engine")) as podman:
        with_base(podman)
        podman.build()
        podman.podman("network", "create", NETWORK)
        yield podman
