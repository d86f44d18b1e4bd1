import pytest

from proxy.embedded.core import Core
from tests.embedded.core.support import NOW_S, Client, Json


@pytest.fixture
def client() -> Client:
    client = Client()
    client.put("/a", {"settings": {"number_of_shards": 2}})
    client.put("/b", {"settings": {"number_of_replicas": 0, "hidden": True}})
    return client


def test_the_root_names_version_and_cluster() -> None:
    core = Core(name="n", cluster_name="c", seed=1)
    body = Client(core).get("/").body
    assert (body["name"], body["cluster_name"], body["version"]["number"]) == ("n", "c", "8.15.3")
    assert body["cluster_uuid"] == core.store.cluster_uuid


def test_health_counts_shards_of_all_indices(client: Client) -> None:
    body = client.get("/_cluster/health").body
    assert (body["status"], body["active_primary_shards"], body["unassigned_shards"]) == ("yellow", 3, 2)
    assert body["active_shards_percent_as_number"] == 60.0
    assert Client().get("/_cluster/health").body["status"] == "green"


@pytest.mark.parametrize(
    ("target", "status", "shown"),
    [
        ("/_cluster/health/b", 200, "green"),
        ("/_cluster/health/b?wait_for_status=green", 200, "green"),
        ("/_cluster/health/a?wait_for_status=green&timeout=1s", 408, "yellow"),
        ("/_cluster/health/a?wait_for_status=yellow", 200, "yellow"),
        ("/_cluster/health/none", 408, "red"),
        ("/_cluster/health/none*", 200, "green"),
    ],
)
def test_waiting_for_a_status(client: Client, target: str, status: int, shown: str) -> None:
    answer = client.get(target)
    assert (answer.status, answer.body["status"], answer.body["timed_out"]) == (status, shown, status == 408)


def test_health_by_index(client: Client) -> None:
    found = client.get("/_cluster/health?level=indices").body["indices"]
    assert (found["a"]["status"], found["a"]["number_of_shards"], found["b"]["status"]) == ("yellow", 2, "green")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {"persistent": {}, "transient": {}}),
        ("include_defaults", {"persistent": {}, "transient": {}, "defaults": {}}),
    ],
)
def test_settings(client: Client, query: str, wanted: Json) -> None:
    assert client.get(f"/_cluster/settings?{query}").body == wanted


@pytest.mark.parametrize("target", ["/_nodes", "/_nodes/http", "/_nodes/_local/http"])
def test_nodes(client: Client, target: str) -> None:
    body = client.get(target).body
    assert body["_nodes"] == {"total": 1, "successful": 1, "failed": 0}
    assert body["nodes"][client.core.store.node_id]["http"]["publish_address"] == "127.0.0.1:9200"


@pytest.mark.parametrize("target", ["/_nodes/stats", "/_nodes/stats/process"])
def test_statistics_of_nodes_say_when_they_were_made(client: Client, target: str) -> None:
    (node,) = client.get(target).body["nodes"].values()
    assert node["timestamp"] > 0


def test_tasks_list_the_call_itself(client: Client) -> None:
    node = client.get("/_tasks").body["nodes"][client.core.store.node_id]
    (task,) = node["tasks"].values()
    assert task["action"] == "cluster:monitor/tasks/lists"
    assert task["start_time_in_millis"] == NOW_S * 1000
