"""The one error of decoding."""

from proxy.errors import StartgateError
from proxy.wire.errors import WireError


def test_a_wire_error_is_one_of_ours_and_knows_its_status() -> None:
    fault = WireError("no", status=431)
    assert isinstance(fault, StartgateError)
    assert (fault.status, fault.reason, str(fault)) == (431, "no", "no")
    assert WireError("no").status == 400
