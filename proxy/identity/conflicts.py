"""What of the rules does not go with an identity of Startgate's own."""

from proxy.errors import Fault
from proxy.rules.compiled import Authority, Rules
from proxy.settings import IdentitySettings


def identity_conflicts(identity: IdentitySettings | None, rules: Rules) -> list[Fault]:
    """The faults of configuration and rules together; none where `identity` is not configured.

    To be asked wherever rules come into force: `startgate check`, the start-up, each reload.
    """
    if identity is None or rules.authority is Authority.ROLES:
        return []
    message = (
        f"authority is {rules.authority}, and identity in startgate.yml lets Startgate itself say who asks: the cluster"
        " knows nothing of such users, and cannot tell what they hold; set authority: roles (docs/identity.md), or take"
        " identity out"
    )
    return [Fault(rules.files[-1] if rules.files else "rules", message)]
