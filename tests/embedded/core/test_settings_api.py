import pytest

from tests.embedded.core.support import Client, Json


@pytest.fixture
def client() -> Client:
    client = Client()
    client.put("/a")
    client.put("/b", {"settings": {"codec": "best_compression"}})
    return client


def flat(client: Client, index: str = "a") -> Json:
    return client.get(f"/{index}/_settings?flat_settings").body[index]["settings"]


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ({"index": {"number_of_replicas": 0}}, "index.number_of_replicas", "0"),
        ({"number_of_replicas": 2}, "index.number_of_replicas", "2"),
        ({"settings": {"index.refresh_interval": "5s"}}, "index.refresh_interval", "5s"),
        ({"index.blocks.write": True}, "index.blocks.write", "true"),
    ],
)
def test_changing(client: Client, body: Json, name: str, value: str) -> None:
    assert client.put("/a/_settings", body).body == {"acknowledged": True}
    assert flat(client)[name] == value


def test_removing(client: Client) -> None:
    client.put("/a/_settings", {"index.refresh_interval": "5s"})
    client.put("/a/_settings", {"index": {"refresh_interval": None}})
    assert "index.refresh_interval" not in flat(client)


def test_preserving_what_is_set(client: Client) -> None:
    client.put("/a/_settings?preserve_existing=true", {"number_of_replicas": 3, "priority": 7})
    assert (flat(client)["index.number_of_replicas"], flat(client)["index.priority"]) == ("1", "7")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "Validation Failed: 1: no settings to update;"),
        ({"foo": 1}, "unknown setting [index.foo] please check"),
        ({"number_of_replicas": -1}, "Failed to parse value [-1] for setting [index.number_of_replicas] must be >= 0"),
        (
            {"codec": "default", "number_of_shards": 2},
            "Can't update non dynamic settings [[index.codec, index.number_of_shards]] for open indices [[a/",
        ),
    ],
)
def test_changes_that_are_refused(client: Client, body: Json, reason: str) -> None:
    before = flat(client)
    answer = client.put("/a/_settings", body)
    assert answer.status == 400
    assert answer.reason.startswith(reason)
    assert flat(client) == before


def test_closed_indices_take_static_settings_but_never_final_ones(client: Client) -> None:
    client.post("/a/_close")
    assert client.put("/a/_settings", {"codec": "best_compression"}).status == 200
    answer = client.put("/a/_settings", {"number_of_shards": 2})
    assert answer.reason.startswith("final [a/")
    assert answer.reason.endswith("setting [index.number_of_shards], not updateable")


def test_new_analyzers_of_a_closed_index_may_be_used(client: Client) -> None:
    client.post("/a/_close")
    client.put("/a/_settings", {"analysis": {"analyzer": {"mine": {"tokenizer": "standard"}}}})
    client.post("/a/_open")
    assert client.put("/a/_mapping", {"properties": {"t": {"type": "text", "analyzer": "mine"}}}).status == 200


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("/b/_settings/index.codec", {"b": {"settings": {"index": {"codec": "best_compression"}}}}),
        ("/_settings/*.codec?flat_settings", {"b": {"settings": {"index.codec": "best_compression"}}}),
        ("/a/_settings/index.codec", {}),
        (
            "/a/_settings/index.codec?include_defaults&flat_settings",
            {"a": {"settings": {}, "defaults": {"index.codec": "default"}}},
        ),
    ],
)
def test_picking(client: Client, target: str, wanted: Json) -> None:
    assert client.get(target).body == wanted


def test_all_names_mean_no_filter(client: Client) -> None:
    assert set(client.get("/_settings/_all").body) == {"a", "b"}
    assert set(client.get("/_settings").body) == {"a", "b"}
    assert "defaults" in client.get("/a/_settings?include_defaults").body["a"]
