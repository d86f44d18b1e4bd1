"""`route`: the decision for one request line.

1. What does not begin with `/` is refused: Elasticsearch routes such a target as if the slash were there, URL parsers
   and proxies in between do not. `OPTIONS *` alone passes.
2. Ordinary traffic passes after one or two searches for a fixed string.
3. What Elasticsearch routes to a special call goes where the table says.
4. What only resembles a start is refused, whatever else it is. What only resembles an observed call is nothing special.
"""

from dataclasses import dataclass
from typing import Final

from proxy.route.lookalike import resembles
from proxy.route.table import CALLS, HINT, Route, find


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a request goes; of PASS there is only one, `PASS`. For REFUSE `status` and `reason` are for the client, for
    OBSERVE `action` is what the call is named in records."""

    route: Route
    status: int = 0
    reason: str = ""
    action: str = ""


PASS: Final = Decision(Route.PASS)
_GATE: Final = Decision(Route.GATE)
_GATED: Final = tuple(call for call in CALLS if call.route is Route.GATE)
_PERCENT: Final = ord("%")
_METHODS: Final = frozenset(call.method for call in CALLS)

_CONNECT = Decision(Route.REFUSE, 501, "the method CONNECT is not supported")
_NO_SLASH = Decision(Route.REFUSE, 400, "the request target must begin with '/'")
_NOT_ASCII = Decision(Route.REFUSE, 400, "the request target of a guarded call holds bytes that are not ASCII")
_LOOKALIKE = Decision(
    Route.REFUSE, 400, "this spelling of a guarded call is refused; spell it as Elasticsearch's documentation does"
)
# A start is in the table as what is refused: whatever way one is found by, it is never passed as a call to be observed.
_OBSERVED: Final = {
    call.action: Decision(Route.OBSERVE, action=call.action) if call.route is Route.OBSERVE else _LOOKALIKE
    for call in CALLS
}


def route(method: bytes, target: bytes) -> Decision:
    """Where a request with this method and this raw request target goes. Never raises."""
    if target[:1] != b"/" or method == b"CONNECT":
        return _odd(method, target)
    if method not in _METHODS and method.upper() not in _METHODS:
        return PASS
    # A number is looked for without the exception that bytes make on the way (CPython's bytes.__contains__).
    if _PERCENT not in target and target.lower().find(HINT) < 0:
        return PASS
    return _look_up(method, target)


def _odd(method: bytes, target: bytes) -> Decision:
    if method == b"CONNECT":
        # RFC 9110 §9.3.6: CONNECT opens a tunnel, which would carry anything past the gate.
        return _CONNECT
    # RFC 9112 §3.2.4: the asterisk form is for OPTIONS only.
    return PASS if method == b"OPTIONS" and target == b"*" else _NO_SLASH


def _look_up(method: bytes, target: bytes) -> Decision:
    path = target.partition(b"?")[0]
    call = find(CALLS, method, path)
    if call is not None and call.route is Route.GATE:
        # RFC 9112 §3.2 and RFC 3986 §2: a target is ASCII. The gate's own HTTP parser reads nothing else.
        return _GATE if target.isascii() else _NOT_ASCII
    # An id may hold anything, escapes and dots included, so only what the table does not know as a start is looked at
    # here. Elasticsearch compares methods by their case, too.
    upper = method.upper()
    if any(guarded.method == upper and resembles(path, guarded.segments()) for guarded in _GATED):
        return _LOOKALIKE
    if call is None:
        # As 9.1 reads it. No job has a `#` in its id, so nothing is lost where another version takes it for one.
        call = find(CALLS, method, path.partition(b"#")[0])
    return PASS if call is None else _OBSERVED[call.action]
