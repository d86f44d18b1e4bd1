"""A client of one `Core`, for tests: calls in Python values, answers as status and decoded body."""

import json
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.backend import Answer, Call
from proxy.embedded.core import Core

Json = Any  # one decoded JSON value
NOW_S = 1_700_000_000.0  # 2023-11-14T22:13:20Z, the fixed clock of these tests


@dataclass(frozen=True, slots=True)
class Result:
    """One answer: `body` decoded where it is JSON, else text."""

    status: int
    headers: dict[str, str]
    body: Json

    @property
    def reason(self) -> str:
        """The text of the error."""
        return str(self.body["error"]["reason"])

    @property
    def type(self) -> str:
        """The type of the error."""
        return str(self.body["error"]["type"])


@dataclass(slots=True)
class Client:
    """Calls on one core, which stands still at `NOW_S` and makes the same ids in every run."""

    core: Core = field(default_factory=lambda: Core(clock=lambda: NOW_S, seed=1))

    def call(self, method: str, target: str, body: Json = None, *headers: tuple[str, str]) -> Result:
        """One call; a text body is sent as it is, any other value as JSON."""
        content = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        sent = headers or ((("content-type", "application/json"),) if content else ())
        return result(self.core.answer(Call(method=method, target=target, headers=sent, body=content)))

    def get(self, target: str, body: Json = None) -> Result:
        """GET."""
        return self.call("GET", target, body)

    def put(self, target: str, body: Json = None) -> Result:
        """PUT."""
        return self.call("PUT", target, body)

    def post(self, target: str, body: Json = None) -> Result:
        """POST."""
        return self.call("POST", target, body)

    def delete(self, target: str) -> Result:
        """DELETE."""
        return self.call("DELETE", target)

    def ids(self, index: str, query: Json, **more: Json) -> list[str]:
        """The ids that a query finds, in the order of the answer."""
        found = self.post(f"/{index}/_search", {"query": query, **more})
        assert found.status == 200, found.body
        return [hit["_id"] for hit in found.body["hits"]["hits"]]


def result(answer: Answer) -> Result:
    """An answer decoded."""
    text = answer.body.decode()
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    return Result(answer.status, {name.lower(): value for name, value in answer.headers}, body)


def properties(**fields: Json) -> Json:
    """A create body with these fields; a text is a type."""
    spelled = {name: {"type": node} if isinstance(node, str) else node for name, node in fields.items()}
    return {"mappings": {"properties": spelled}}
