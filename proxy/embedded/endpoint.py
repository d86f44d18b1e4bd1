"""What the layer's own endpoints have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proxy.embedded.backend import Backend
from proxy.embedded.failure import Failure
from proxy.embedded.node import Node
from proxy.embedded.request import Request
from proxy.embedded.security.authenticate import Caller
from proxy.embedded.security.authorise import require_cluster
from proxy.embedded.security.guarded import Guarded
from proxy.embedded.security.identity import Subject
from proxy.embedded.security.store import Security

if TYPE_CHECKING:
    from proxy.embedded.ml.jobs import Jobs


@dataclass(frozen=True, slots=True)
class World:
    """All that one embedded cluster is made of; `security` is None on a cluster without it."""

    backend: Backend
    node: Node
    security: Security | None
    jobs: "Jobs"

    def seen_by(self, subject: Subject | None) -> Backend:
        """The indices as a subject may use them; everything where there is no security."""
        if self.security is None or subject is None:
            return self.backend
        return Guarded(self.backend, self.security, subject)


@dataclass(frozen=True, slots=True)
class Context:
    """One request to an endpoint; `caller` is None on a cluster without security."""

    request: Request
    world: World
    caller: Caller | None

    @property
    def subject(self) -> Subject:
        """The primary subject. Only for endpoints that a cluster without security does not have."""
        if self.caller is None:
            raise Failure(500, "illegal_state_exception", "no user on a cluster without security")
        return self.caller.primary

    @property
    def security(self) -> Security:
        """The cluster's security. Only for endpoints that a cluster without it does not have."""
        if self.world.security is None:
            raise Failure(500, "illegal_state_exception", "security is not enabled")
        return self.world.security


Reply = tuple[int, Any]
Handler = Callable[[Context], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A handler, and the cluster action that its caller needs (None: any authenticated caller may)."""

    handler: Handler
    action: str | None

    def authorise(self, context: Context) -> None:
        """Raise `Failure` 403 unless the caller may use this endpoint."""
        if context.world.security is not None and context.caller is not None and self.action is not None:
            require_cluster(context.world.security, context.caller.primary, self.action)
