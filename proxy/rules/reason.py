"""The text of a 403."""

from proxy.model import Identity, Job, Owner
from proxy.rules.verdict import Verdict


def refusal_reason(verdict: Verdict, job: Job, caller: Identity, secondary: Identity | None, owner: Owner) -> str:
    """The `reason` of the 403 `security_exception` for a denied verdict."""
    raise NotImplementedError
