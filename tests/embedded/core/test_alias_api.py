import pytest

from tests.embedded.core.support import Client, Json


@pytest.fixture
def client() -> Client:
    client = Client()
    client.put("/a", {"aliases": {"x": {}, "y": {"is_hidden": True}}})
    client.put("/b", {"aliases": {"x": {"is_write_index": True}}})
    return client


def names(client: Client, target: str) -> Json:
    return {index: sorted(one["aliases"]) for index, one in client.get(target).body.items()}


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("/_alias", {"a": ["x", "y"], "b": ["x"]}),
        ("/_aliases", {"a": ["x", "y"], "b": ["x"]}),
        ("/_alias/x", {"a": ["x"], "b": ["x"]}),
        ("/b/_alias", {"b": ["x"]}),
        ("/_alias/*,-x", {"a": ["y"]}),
        ("/_alias/_all", {"a": ["x", "y"], "b": ["x"]}),
        ("/a/_alias/z*", {}),
    ],
)
def test_reading(client: Client, target: str, wanted: Json) -> None:
    assert names(client, target) == wanted


@pytest.mark.parametrize(
    ("target", "error", "found"),
    [
        ("/_alias/q", "alias [q] missing", set()),
        ("/_alias/q,x,p", "aliases [p,q] missing", {"a", "b"}),
        ("/b/_alias/y", "alias [y] missing", set()),
    ],
)
def test_reading_what_is_not_there(client: Client, target: str, error: str, found: set[str]) -> None:
    answer = client.get(target)
    assert (answer.status, answer.body["error"]) == (404, error)
    assert set(answer.body) - {"error", "status"} == found
    assert client.call("HEAD", target).status == 404


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("PUT", "/a/_alias/n", None),
        ("POST", "/a/_aliases/n", {"filter": {"term": {"a": 1}}}),
        ("PUT", "/a/_alias", {"alias": "n"}),
        ("PUT", "/_alias/n", {"index": "a"}),
        ("POST", "/_alias", {"index": "a", "alias": "n"}),
    ],
)
def test_adding(client: Client, method: str, target: str, body: Json) -> None:
    assert client.call(method, target, body).body == {"acknowledged": True, "errors": False}
    assert "n" in names(client, "/a/_alias")["a"]


def test_removing(client: Client) -> None:
    assert client.delete("/a,b/_alias/x,y").status == 200
    assert names(client, "/_alias") == {"a": [], "b": []}
    answer = client.delete("/a/_alias/x")
    assert (answer.status, answer.reason) == (404, "aliases [x] missing")


def test_actions_in_order(client: Client) -> None:
    actions = [
        {"remove": {"index": "a", "alias": "x"}},
        {"add": {"indices": ["a", "b"], "aliases": ["p", "q"], "routing": 1}},
        {"remove": {"index": "b", "alias": "zz", "must_exist": False}},
    ]
    assert client.post("/_aliases", {"actions": actions}).body == {"acknowledged": True, "errors": False}
    assert names(client, "/_alias") == {"a": ["p", "q", "y"], "b": ["p", "q", "x"]}


def test_an_index_may_be_removed_on_the_way(client: Client) -> None:
    client.post("/_aliases", {"actions": [{"remove_index": {"index": "a"}}, {"add": {"index": "b", "alias": "p"}}]})
    assert names(client, "/_alias") == {"b": ["p", "x"]}


def test_partly_missing_aliases_are_told_by_action(client: Client) -> None:
    actions = [{"remove": {"index": "a", "alias": "zz"}}, {"add": {"index": "a", "alias": "p"}}]
    body = client.post("/_aliases", {"actions": actions}).body
    assert body["errors"] is True
    assert [one["status"] for one in body["action_results"]] == [404, 200]
    assert body["action_results"][0]["error"]["type"] == "aliases_not_found_exception"


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        ([], "No action specified"),
        ([{"remove": {"index": "a", "alias": "zz"}}], "aliases [zz] missing"),
        ([{"add": {"index": "none", "alias": "p"}}], "no such index [none]"),
        (
            [{"add": {"index": "a", "alias": "b"}}],
            "Invalid alias name [b]: an index or data stream exists with the same name",
        ),
        ([{"add": {"alias": "p"}}], "Validation Failed: 1: One of [index] or [indices] is required;"),
        ([{"add": {"index": "a"}}], "Validation Failed: 1: One of [alias] or [aliases] is required;"),
        ([{"add": 1}], "alias action must be an object"),
        ([{"foo": {}}], "[1:22] [aliases] failed to parse field [actions]"),
        ([1], "[1:1] [aliases] failed to parse field [actions]"),
        (
            [{"add": {"index": "a", "alias": "x", "is_write_index": True}}],
            "alias [x] has more than one write index [a,b]",
        ),
    ],
)
def test_actions_that_are_refused(client: Client, actions: Json, reason: str) -> None:
    answer = client.post("/_aliases", {"actions": actions})
    assert answer.status >= 400
    assert answer.reason.startswith(reason)
