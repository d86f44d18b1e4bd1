"""What was done at the admin port, for the journal: who did it, and what came of it. The gate alone writes the journal,
so the admin port hands it over (`POST /v1/acts`). See docs/admin.md.
"""

from dataclasses import dataclass
from typing import Any, Final

from proxy.journal import entry

SIGN_IN: Final = "startgate-admin-sign-in"
SIGN_OUT: Final = "startgate-admin-sign-out"
VERIFY: Final = "startgate-journal-verify"
EXPORT: Final = "startgate-journal-export"
# A reload of the rules and a change of the log's levels are recorded by whoever makes them (`gate.rules_in_force`,
# `control.levels`).
ACTIONS: Final = (SIGN_IN, SIGN_OUT, VERIFY, EXPORT)
OUTCOMES: Final = ("success", "failure", "unknown")
# ECS's categorization: signing in and out is authentication, reading the record out of here is no change.
_CATEGORIES: Final = {SIGN_IN: "authentication", SIGN_OUT: "authentication"}
_TYPES: Final = {SIGN_IN: "start", SIGN_OUT: "end", VERIFY: "info", EXPORT: "access"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act. `by` and `realm` are who did it as `admin.api.Viewer` names them, empty where that is not known;
    `role` what they may do (`own`, `read`, `write`); `address` from where. `asked` is what was asked for, such as
    `form=csv`; `asked_user` a user whom it was about. `count` attempts are told by one record, where there are several,
    the first at `since_ms` and the last at `until_ms` (milliseconds since 1970)."""

    action: str
    by: str = ""
    realm: str = ""
    role: str = ""
    outcome: str = "success"
    reason: str = ""
    address: str = ""
    asked: tuple[str, ...] = ()
    asked_user: str = ""
    count: int = 1
    since_ms: int = 0
    until_ms: int = 0


def record_of(act: Act, id: str, now_ms: int) -> dict[str, Any]:
    """An act for the journal; `id` is unique. What it names is bounded. Raises ValueError: there is no such action or
    outcome."""
    if act.action not in ACTIONS or act.outcome not in OUTCOMES:
        raise ValueError(f"no action {act.action!r} with outcome {act.outcome!r}; actions: {', '.join(ACTIONS)}")
    record = entry.administrative(act.action, id, now_ms, outcome=act.outcome, reason=act.reason)
    event = record["event"]
    event["category"] = [_CATEGORIES.get(act.action, "configuration")]
    event["type"] = [_TYPES.get(act.action, "change"), *(["denied"] if act.outcome == "failure" else [])]
    if act.address:
        record["source"] = {"address": entry.cut(act.address)}
    if act.by:
        record["user"] = {"name": entry.cut(act.by)}
    texts = {"by": act.by, "realm": act.realm, "role": act.role, "asked_user": act.asked_user}
    admin: dict[str, Any] = {name: entry.cut(text) for name, text in texts.items() if text}
    if act.asked:
        admin["asked"] = entry.cut_list(act.asked)
    if act.count > 1:
        admin["repeated"] = {"count": act.count, "since_ms": act.since_ms, "until_ms": act.until_ms}
    record["startgate"]["admin"] = admin
    return record
