"""The API held to its description by schemathesis: for whatever is sent, no answer that is not described, and none that
says that we are wrong."""

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from proxy.admin.surface import described
from proxy.settings import AdminLimits
from tests.admin.visiting import TOKENS, visiting

EXAMPLES = 15
# Of what is not described, nothing may come; of what is, 500 alone is a fault of ours: 503 says that the gate, which is
# a double here, or the cluster does not answer.
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
FEED = "/v1/starts/feed"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An admin port that runs in a thread of its own."""
    up, done = threading.Event(), threading.Event()
    found: list[str] = []
    folder = tmp_path_factory.mktemp("admin")

    async def serve() -> None:
        limits = AdminLimits(sign_in_failures=1_000_000, sign_in_failures_per_user=1_000_000)
        async with visiting(folder, limits=limits) as visit:
            found.append(visit.url)
            up.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(60)
    try:
        yield found[0]
    finally:
        done.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("who", ["", "operator"])
@pytest.mark.parametrize("path", [path for path in described()["paths"] if path != FEED])
def test_whatever_is_sent_is_answered_as_described(url: str, path: str, who: str) -> None:
    schema = schemathesis.openapi.from_dict(described())
    headers = {"Authorization": f"Bearer {TOKENS[who]}"} if who else {}
    for method in schema[path]:
        _hold(schema[path][method], url, headers)


def _hold(operation: "schemathesis.APIOperation[Any, Any, Any, Any]", url: str, headers: dict[str, str]) -> None:
    """Send what the description allows, and what it does not."""

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize="FIXED_EXAMPLES" in os.environ,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def held(case: "schemathesis.Case[Any]") -> None:
        response = case.call(base_url=url, headers=headers)
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=CHECKS)
        if response.status_code not in (502, 503):
            case.validate_response(response, checks=[not_a_server_error])

    held()
