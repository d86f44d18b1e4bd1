"""What every suite must have tried, and what must have come of it, whatever the language."""

from collections.abc import Collection, Mapping
from typing import Any

from proxy.embedded.node import NODE_ID
from tests.clients.suite import OURS, Compared, lacking

# The checks that each client makes; one that it has no means for is named by its own test.
CHECKS = frozenset(
    (
        "info",
        "ping",
        "index_create",
        "bulk",
        "bulk_helper",
        "bulk_helper_failing",
        "search",
        "scroll",
        "scroll_helper",
        "pit",
        "document",
        "missing_document",
        "conflict",
        "missing_index",
        "invalid_query",
        "msearch",
        "cat",
        "large",
        "parallel",
        "bare_security",
        "bare_jobs",
        "who",
        "who_by_key",
        "cluster_info",
        "wrong_password",
        "forbidden",
        "job_put",
        "job_start_forbidden",
        "job_start_wrong_password",
        "job_start_missing",
        "job_start",
        "job_stats",
        "job_start_again",
        "job_start_conflict",
        "job_stop",
        "job_delete",
        "job_start_challenge",
    )
)
# What a node without x-pack's modules has no handler for. All else must work on it.
LACKING = frozenset({"bare_security", "bare_jobs"})
# Status, type and the beginning of the reason, as the client's own exception tells them.
TOLD = {
    "job_start_forbidden": (403, "security_exception", "action [cluster:admin/xpack/ml/data_frame/analytics/start] is"),
    "job_start_wrong_password": (401, "security_exception", "unable to authenticate user [ann] for REST request"),
    "job_start_missing": (404, "resource_not_found_exception", "No known data frame analytics with id [sg-none]"),
    "job_start_again": (400, "status_exception", "Cannot start because the job has already finished"),
    "job_start_conflict": (400, "status_exception", "cannot merge [properties] mappings because of differences"),
}
TOLD_BY_US = {
    "ours_bad_id": (400, "action_request_validation_exception", "Validation Failed: 1: Invalid id; 'Sg None' can"),
    "ours_bare_start": (403, "security_exception", "the cluster has no security, so nobody can be identified"),
    "ours_denied": (403, "security_exception", "Cannot start data frame analytics [sg-job] because user [bob] lacks"),
    "ours_no_gate": (503, "connect_transport_exception", "the gate is down; starts of data frame analytics jobs are"),
}
RECEIPT_CHARS = 32


def hold(compared: Compared, raised: Mapping[int, str], without: Collection[str] = ()) -> None:
    """Equal in both runs, complete but for `without`, and every refusal parsed into the exception that `raised` names
    for its status. Raises AssertionError with what is not so."""
    direct, through = compared.direct.checks, compared.through.checks
    assert compared.differing() == {}, f"{compared.summary()}: {compared.differing()}"
    assert set(direct) >= CHECKS - set(without), CHECKS - set(without) - set(direct)
    assert set(through) >= set(direct) | (set(OURS) - set(without))
    through = {name: value for name, value in through.items() if name not in without}
    assert lacking(direct) == LACKING
    assert through["job_start"] == {"acknowledged": True, "node": NODE_ID}
    if "job_stats" not in without:
        assert through["job_stats"] == ["stopped", 40]
    for name, wanted in {**TOLD, **TOLD_BY_US}.items():
        if name not in without:
            refused(name, through[name], wanted, raised)
    if "ours_receipt" not in without:
        assert through["ours_receipt"] == RECEIPT_CHARS


def refused(name: str, found: Mapping[str, Any], wanted: tuple[int, str, str], raised: Mapping[int, str]) -> None:
    """Whether an exception tells status, type and reason."""
    status, kind, reason = wanted
    told = (found["raised"], found["status"], found["type"], found["reason"][: len(reason)])
    assert told == (raised[status], status, kind, reason), name
