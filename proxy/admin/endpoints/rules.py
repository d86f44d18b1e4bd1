"""`/v1/rules`: the rules in force, reading them again, trying a case."""

from typing import Final

from proxy.admin.api import Call, Endpoint, Role
from proxy.admin.shown.rules import Rules, Tried, TryCase
from proxy.admin.views.rules import RulesView
from proxy.gate.standing import Attempt
from proxy.gate.trial import CASE_BYTES

# A case of the most bytes as a JSON text, each of which may be written as six (`\u001f`), and its key.
BODY_BYTES: Final = 6 * CASE_BYTES + 1024


def endpoints(view: RulesView) -> list[Endpoint]:
    """The endpoints over a view."""

    async def show(call: Call) -> object:
        return await view.rules(call.viewer)

    async def reload(call: Call) -> object:
        return await view.reload(call.viewer)

    async def try_case(call: Call) -> object:
        return await view.try_case(call.viewer, call.body)

    return [
        Endpoint(
            method="GET",
            path="/v1/rules",
            role=Role.READ,
            handler=show,
            summary="The rules in force, their files, and what each rule did.",
            answer=Rules,
        ),
        Endpoint(
            method="POST",
            path="/v1/rules/reload",
            role=Role.WRITE,
            handler=reload,
            summary="Read the rule files again; what came of it, which may be that they were refused.",
            answer=Attempt,
        ),
        Endpoint(
            method="POST",
            path="/v1/rules/try",
            role=Role.READ,
            handler=try_case,
            summary="Judge a case by the rules in force; nothing is asked of the cluster, and nothing recorded.",
            body=TryCase,
            answer=Tried,
            statuses=(413, 422),
            body_bytes=BODY_BYTES,
        ),
    ]
