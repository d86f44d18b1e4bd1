from proxy.embedded.core.failure import illegal
from proxy.embedded.core.query import shard_fault
from proxy.embedded.core.shards import ShardFault, all_failed, no_fielddata
from tests.embedded.core.test_store import an_index


def test_a_fault_of_the_query_is_the_root_cause() -> None:
    index = an_index("a")
    body = all_failed("node", [ShardFault(index, shard_fault(index, illegal("no")))]).body()
    error = body["error"]
    assert body["status"] == 400
    assert error["root_cause"] == [
        {"type": "query_shard_exception", "reason": "failed to create query: no", "index_uuid": "u", "index": "a"}
    ]
    assert (error["type"], error["phase"], error["grouped"]) == ("search_phase_execution_exception", "query", True)
    assert error["failed_shards"][0]["node"] == "node"
    assert error["failed_shards"][0]["reason"]["caused_by"]["reason"] == "no"
    assert "caused_by" not in error


def test_any_other_fault_is_also_the_cause_twice() -> None:
    error = all_failed("node", [ShardFault(an_index("a"), illegal("no"))]).body()["error"]
    assert error["root_cause"] == [{"type": "illegal_argument_exception", "reason": "no"}]
    assert error["caused_by"]["caused_by"]["reason"] == "no"


def test_text_without_fielddata() -> None:
    fault = no_fielddata(an_index("a"), "t")
    assert fault.reason.startswith("Fielddata is disabled on [t] in [a]. Text fields are not optimised")
    assert "set fielddata=true on [t]" in fault.reason
