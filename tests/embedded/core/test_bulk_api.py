import pytest

from proxy.embedded.core import bulk_api
from proxy.embedded.core.failure import ElasticError
from tests.embedded.core.support import Client, Json


def test_actions_and_their_documents() -> None:
    text = (
        '{"index":{"_index":"a","_id":1,"routing":"r"}}\n{"x":1}\n\n{"delete":{"_id":"2"}}\n'
        '{"create":{"if_seq_no":3,"if_primary_term":1}}\n{}\n{"index":{"version":7,"version_type":"external"}}\n{}\n'
        '{"index":{"op_type":"create","version":7}}\n{}\n'
    )
    items = list(bulk_api.parse(text, "z"))
    assert [(item.action, item.index, item.id, item.text) for item in items] == [
        ("index", "a", "1", '{"x":1}'),
        ("delete", "z", "2", ""),
        ("create", "z", None, "{}"),
        ("index", "z", None, "{}"),
        ("index", "z", None, "{}"),
    ]
    assert items[0].routing == "r"
    assert (items[2].guard.create, items[2].guard.seq_no, items[2].guard.primary_term) == (True, 3, 1)
    assert items[3].guard.version == 7
    assert (items[4].guard.create, items[4].guard.version) == (True, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "The bulk request must be terminated by a newline [\\n]"),
        ("{}\n", "Malformed action/metadata line [1], expected FIELD_NAME but found [END_OBJECT]"),
        ("[]\n", "Malformed action/metadata line [1], expected START_OBJECT but found [[]]"),
        (
            '{"foo":{}}\n',
            "Malformed action/metadata line [1], expected field [create], [delete], [index] or [update] but",
        ),
        ('{"index":{},"x":1}\n{}\n', "Malformed action/metadata line [1], expected END_OBJECT but found [FIELD_NAME]"),
        ('{"index":1}\n', "Malformed action/metadata line [1], expected START_OBJECT or END_OBJECT but found"),
        ('{"index":{}}\n{}\n{"index":{"x":1}}\n{}\n', "Action/metadata line [3] contains an unknown parameter [x]"),
        ("{\n", "[1:2] Unexpected end-of-input"),
    ],
)
def test_lines_that_are_no_action(text: str, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        list(bulk_api.parse(text, "z"))
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "request body is required"),
        ("\n", "Validation Failed: 1: no requests added;"),
        ('{"index":{}}\n{}\n', "Validation Failed: 1: index is missing;"),
        ('{"delete":{}}\n', "Validation Failed: 1: index is missing;2: id is missing;"),
    ],
)
def test_requests_that_fail_whole(text: Json, reason: str) -> None:
    assert Client().post("/_bulk", text).reason == reason


def test_every_action_is_answered_by_itself() -> None:
    client = Client()
    lines = (
        '{"index":{"_id":"1"}}\n{"l":1}\n{"create":{"_id":"1"}}\n{}\n{"update":{"_id":"1"}}\n{"doc":{"l":2}}\n'
        '{"delete":{"_id":"1"}}\n{"index":{"_id":"2"}}\n{"l":"x"}\n{"index":{"_id":"3"}}\n{\n{"index":{"_index":"_"}}\n{}\n'
    )
    body = client.post("/a/_bulk", lines).body
    answers = [next(iter(item.values())) for item in body["items"]]
    assert body["errors"] is True
    assert [answer["status"] for answer in answers] == [201, 409, 200, 200, 400, 400, 400]
    assert [answer.get("error", {}).get("type") for answer in answers[4:]] == [
        "document_parsing_exception",
        "document_parsing_exception",
        "invalid_index_name_exception",
    ]


def test_items_without_faults() -> None:
    body = Client().post("/a/_bulk", '{"index":{}}\n{"l":1}\n').body
    assert body["errors"] is False
    assert len(body["items"][0]["index"]["_id"]) == 20


def test_a_blocked_index_refuses_its_items_only() -> None:
    client = Client()
    client.put("/a", {"settings": {"blocks.write": True}})
    body = client.post("/_bulk", '{"index":{"_index":"a","_id":"1"}}\n{}\n{"index":{"_index":"b"}}\n{}\n').body
    assert [item["index"]["status"] for item in body["items"]] == [403, 201]
    assert body["items"][0]["index"]["error"]["reason"] == "index [a] blocked by: [FORBIDDEN/8/index write (api)];"
