"""Asks the cluster whose credentials these are, and which role they have here: with those credentials, no others."""

import asyncio
from dataclasses import dataclass
from typing import Final

from proxy.admin.access.proof import Proof
from proxy.admin.api import ApiError, Role, Viewer
from proxy.cluster.security import NO_SECURITY, held, identify
from proxy.cluster.transport import Transport
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.model import Credential, Identity
from proxy.privileges import Asked
from proxy.settings import AccessRule, AdminAccess

WRONG: Final = "these credentials are not right"
WITHOUT_SECURITY: Final = (
    "the cluster has no security, so that it knows no users: sign in with a token (admin.tokens in the configuration)"
)


@dataclass(frozen=True, slots=True)
class Realm:
    """The cluster, as it knows users. `limit_s` is how long it may take."""

    transport: Transport
    access: AdminAccess
    limit_s: float

    async def viewer(self, proof: Proof) -> Viewer:
        """Whose credentials these are.

        Raises:
            ApiError: 401 nobody's; 403 somebody's who may see nothing, or the cluster has no security or refuses for
                another reason, in its words; 503 it does not answer.
        """
        credential = Credential(whose="viewer", headers=(("authorization", proof.secret),))
        try:
            async with asyncio.timeout(self.limit_s):
                identity = await self._identity(credential)
                role = await self._role(identity, credential)
        except TimeoutError:
            raise _away(f"no answer within {self.limit_s:g} s") from None
        except ClusterUnreachable as failure:
            raise _away(str(failure)) from None
        if role is Role.ANYBODY:
            text = f"{identity.username} is known to the cluster, and may see nothing here"
            raise ApiError(403, text, hint="admin.access says who may: docs/admin.md")
        return Viewer(name=identity.username, realm=identity.realm, role=role, authorization=proof.secret)

    async def _identity(self, credential: Credential) -> Identity:
        try:
            return await identify(self.transport, credential)
        except PassedOn as refusal:
            if refusal.status == 401:
                # Not in the cluster's words, which name who was taken for a user.
                raise ApiError(401, WRONG) from None
            raise ApiError(403, f"the cluster refuses to say who you are: {refusal.reason}") from None
        except Refusal as refusal:
            text = WITHOUT_SECURITY if refusal.reason == NO_SECURITY else refusal.reason
            raise ApiError(403, text) from None

    async def _role(self, identity: Identity, credential: Credential) -> Role:
        rules = ((Role.WRITE, self.access.write), (Role.READ, self.access.read))
        asked = tuple(dict.fromkeys(name for _, rule in rules for name in rule.cluster))
        given = await self._held(asked, credential) if asked else frozenset()
        for role, rule in rules:
            if _meets(rule, identity, given):
                return role
        return Role.OWN if self.access.own else Role.ANYBODY

    async def _held(self, asked: tuple[str, ...], credential: Credential) -> frozenset[str]:
        try:
            answer = await held(self.transport, Asked(cluster=asked), credential)
        except PassedOn as refusal:
            if refusal.status == 400:
                # A privilege that this version of the cluster has not: nobody holds it, and the operator has to know.
                hint = "admin.access names a privilege that the cluster does not know"
                raise ApiError(403, f"the cluster cannot say what you may do: {refusal.reason}", hint=hint) from None
            # Credentials that may not even ask for their own privileges: they have none that count here.
            return frozenset()
        return frozenset(name for name, holds in answer.cluster.items() if holds)


def _meets(rule: AccessRule, identity: Identity, given: frozenset[str]) -> bool:
    holds = bool(rule.cluster) and given.issuperset(rule.cluster)
    return holds or not set(rule.roles).isdisjoint(identity.roles)


def _away(why: str) -> ApiError:
    hint = "a token (admin.tokens), or the socket on the machine itself, works without the cluster"
    return ApiError(503, f"the cluster does not answer, so that nobody can be known by it: {why}", hint=hint)
