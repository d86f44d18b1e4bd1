"""Errors as Elasticsearch answers them."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.errors import Refusal

ILLEGAL = "illegal_argument_exception"
STATUS = "status_exception"


class Failure(Refusal):
    """A refusal that can also carry what Elasticsearch adds to `security_exception`s and to wrapped errors.

    `caused_by` is the inner error; being the innermost it becomes the `root_cause` as well
    (`ElasticsearchException.guessRootCauses`). `extra` are further fields beside `reason`.
    """

    def __init__(
        self,
        status: int,
        type: str,
        reason: str,
        *,
        caused_by: Mapping[str, Any] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, type, reason, caused_by=caused_by, headers=headers)
        self.extra = dict(extra or {})

    def inner(self) -> dict[str, Any]:
        """This error as the `caused_by` of another."""
        return {"type": self.type, "reason": self.reason, **self.extra}

    def body(self) -> dict[str, Any]:
        """The error body as Elasticsearch words it."""
        root = dict(self.caused_by) if self.caused_by is not None else self.inner()
        error: dict[str, Any] = {"root_cause": [root], "type": self.type, "reason": self.reason}
        if self.caused_by is not None:
            error["caused_by"] = dict(self.caused_by)
        return {"error": error | self.extra, "status": self.status}


class Passed(Failure):
    """An error that the backend answered, passed on as it is in `answered`."""

    def __init__(self, status: int, answered: Mapping[str, Any]) -> None:
        self.answered = dict(answered)
        error = answered.get("error")
        if not isinstance(error, Mapping):
            error = {"type": "exception", "reason": str(error if error is not None else answered)}
        super().__init__(status, str(error.get("type")), str(error.get("reason")))

    def body(self) -> dict[str, Any]:
        """The body as it came."""
        return self.answered


class Plain(Failure):
    """An error of the router, whose body is not in the usual frame: `{"error": text}` and perhaps a status in it."""

    def __init__(self, status: int, text: str, *, told: bool = True, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(status, "", text, headers=headers)
        self._told = told

    def body(self) -> dict[str, Any]:
        """The short frame."""
        return {"error": self.reason, "status": self.status} if self._told else {"error": self.reason}


def bad_request(reason: str) -> Failure:
    """400 `illegal_argument_exception`."""
    return Failure(400, ILLEGAL, reason)


def status_error(reason: str, status: int = 400) -> Failure:
    """`status_exception`, the type of most errors of the machine-learning APIs."""
    return Failure(status, STATUS, reason)


def not_found(reason: str) -> Failure:
    """404 `resource_not_found_exception`."""
    return Failure(404, "resource_not_found_exception", reason)
