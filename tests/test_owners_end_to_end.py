"""Whose stored credentials a job runs with, through all running parts: API keys and service accounts.

Kibana starts the jobs, so that their owners are judged. What the owner holds is read from the embedded cluster with the
service credential, as from any other.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.journal.entry import Phase
from tests.stack import Stack, whole

SOURCE = {"names": ["open-*"], "privileges": ["read", "view_index_metadata"]}
CLUSTER = ["manage_ml", "manage_own_api_key"]
ENOUGH = {"cluster": CLUSTER, "indices": [SOURCE, {"names": ["out-*"], "privileges": ["all"]}]}
# A cluster takes a job of such an owner; Startgate asks more of a start.
TOO_LITTLE = {
    "cluster": CLUSTER,
    "indices": [SOURCE, {"names": ["out-*"], "privileges": ["read", "index", "create_index"]}],
}
EVERYTHING = {"cluster": ["all"], "indices": [{"names": ["*"], "privileges": ["all"]}]}


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with whole(tmp_path) as one:
        await made(one, "open-1")
        one.cluster.add_role("enough", ENOUGH)
        one.cluster.add_role("too-little", TOO_LITTLE)
        yield one


async def made(stack: Stack, index: str, auth: str | None = None) -> None:
    """An index with numbers in it."""
    await stack.ok("PUT", f"/{index}", {"mappings": {"properties": {"x": {"type": "double"}}}}, auth=auth)
    documents = "".join(f'{{"index":{{}}}}\n{{"x":{number}}}\n' for number in range(20))
    await stack.ok("POST", f"/{index}/_bulk?refresh=true", documents, auth=auth)


async def key(stack: Stack, role: str, descriptors: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """The id and the credentials of a key that a user with this role makes."""
    user = stack.cluster.add_user("ann", "ann-s3cret", [role])
    body = {"name": "nightly", "role_descriptors": {} if descriptors is None else {"own": descriptors}}
    told = await stack.ok("POST", "/_security/api_key", body, auth=user)
    return told["id"], f"ApiKey {told['encoded']}"


async def job(stack: Stack, auth: str, source: str = "open-1", destination: str = "out-1") -> Mapping[str, Any]:
    """A job of whoever these credentials are of."""
    body = {
        "source": {"index": [source]},
        "dest": {"index": destination},
        "analysis": {"outlier_detection": {}},
    }
    told: Mapping[str, Any] = await stack.ok("PUT", "/_ml/data_frame/analytics/j", body, auth=auth)
    return told


@pytest.mark.parametrize(
    ("role", "descriptors", "missing"),
    [
        ("enough", None, None),
        ("enough", EVERYTHING, None),
        ("enough", ENOUGH, None),
        ("enough", TOO_LITTLE, "manage"),  # by what the key was given
        ("too-little", EVERYTHING, "manage"),  # by what its maker held
        ("too-little", None, "manage"),
    ],
)
async def test_a_key_holds_what_it_was_given_and_its_maker_held(
    stack: Stack, role: str, descriptors: Mapping[str, Any] | None, missing: str | None
) -> None:
    id, auth = await key(stack, role, descriptors)
    assert (await job(stack, auth))["authorization"]["api_key"]["id"] == id
    reply = await stack.start("j", auth=stack.cluster.kibana)
    record = stack.recorded(reply.receipt).records
    if missing is None:
        assert reply.status == 200, reply.body
        assert Phase.OUTCOME in record
        assert (await stack.ended("j"))["state"] == "stopped"
        return
    assert reply.status == 403
    assert f'API key id [{id}], lacks permissions on the indices: {{"out-1":{{"{missing}":false}}}}' in reply.reason
    assert (await stack.call("GET", "/out-1", direct=True)).status == 404


async def test_an_invalidated_key_holds_nothing(stack: Stack) -> None:
    id, auth = await key(stack, "enough")
    await job(stack, auth)
    await stack.ok("DELETE", "/_security/api_key", {"ids": [id]})
    reply = await stack.start("j", auth=stack.cluster.kibana)
    assert reply.status == 403
    assert f"the job's owner is the API key [{id}], which is gone or invalidated" in reply.reason
    assert (await stack.call("GET", "/out-1", direct=True)).status == 404


async def test_a_key_is_what_it_was_when_it_was_made(stack: Stack) -> None:
    """Whoever made it may have lost all since: the cluster keeps their roles with the key, and so it is judged."""
    _, auth = await key(stack, "enough")
    await job(stack, auth)
    stack.cluster.add_role("enough", {"cluster": ["manage_ml"]})
    assert (await stack.start("j", auth=stack.cluster.kibana)).status == 200
    await stack.ended("j")


async def test_a_service_account_holds_what_its_role_says(stack: Stack) -> None:
    """Kibana's own is no reader of data; what it may write are indices of its own."""
    await job(stack, stack.cluster.superuser)
    update = "/_ml/data_frame/analytics/j/_update"
    told = await stack.ok("POST", update, {"description": "by kibana"}, auth=stack.cluster.kibana)
    assert told["authorization"] == {"service_account": "elastic/kibana"}
    reply = await stack.start("j", auth=stack.cluster.kibana)
    assert reply.status == 403
    assert (
        'service account [elastic/kibana], lacks permissions on the indices: {"open-1":{"read":false}' in reply.reason
    )


async def test_a_service_account_may_copy_what_is_its_own(stack: Stack) -> None:
    await made(stack, "metrics-fleet_server-1", stack.cluster.kibana)
    await job(stack, stack.cluster.kibana, "metrics-fleet_server-1", "metrics-fleet_server-out")
    reply = await stack.start("j", auth=stack.cluster.kibana)
    assert reply.status == 200, reply.body
    assert (await stack.ended("j"))["state"] == "stopped"
