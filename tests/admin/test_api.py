"""What an endpoint is."""

import pytest

from proxy.admin.api import ApiError, Call, Endpoint, Role


async def nothing(_call: Call) -> object:
    return None


@pytest.mark.parametrize(("method", "changes"), [("GET", False), ("HEAD", False), ("POST", True), ("DELETE", True)])
def test_what_is_no_reading_changes_something(method: str, changes: bool) -> None:
    endpoint = Endpoint(method=method, path="/v1/x", role=Role.READ, handler=nothing, summary="Nothing.")
    assert endpoint.changes is changes


def test_a_higher_role_may_do_what_a_lower_one_may() -> None:
    assert Role.ANYBODY < Role.OWN < Role.READ < Role.WRITE


def test_an_error_says_where_and_what_to_do() -> None:
    error = ApiError(400, "size is no number", where="size", allowed="1 to 500", hint="leave it out")
    assert str(error) == "size is no number"
    assert (error.status, error.where, error.allowed, error.hint) == (400, "size", "1 to 500", "leave it out")
