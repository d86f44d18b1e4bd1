"""Who asks, on whose behalf, and for which job: everything that the first round trip can tell."""

import asyncio
import json
from typing import TypeVar

from proxy.errors import PassedOn, Refusal
from proxy.gate.flight import Credentials, HiddenJob, Known
from proxy.gate.ports import Cluster, Identities
from proxy.gate.request import RUN_AS_HEADER, SECONDARY_HEADER, Arrived
from proxy.model import Credential, Identity

T = TypeVar("T")
ACTION = "cluster:admin/xpack/ml/data_frame/analytics/start"
# What the cluster is asked to learn who somebody is (RestAuthenticateAction, AuthenticateAction).
IDENTIFY_TARGET = "/_security/_authenticate"
IDENTIFY_ACTION = "cluster:admin/xpack/security/user/authenticate"
# What realms of the cluster read besides `Authorization`: run-as, and the shared secret of JWT realms.
CALLER_HEADERS = ("authorization", RUN_AS_HEADER, "es-client-authentication")
SECONDARY_CLIENT_HEADER = "es-secondary-x-client-authentication"
# Sent along with each call that is made for a start, so that the cluster's own audit log can be joined with ours.
TRACE_HEADERS = ("x-opaque-id", "traceparent", "tracestate")


def credentials_of(arrived: Arrived, service: str | None, *, own: bool = False) -> Credentials:
    """Whose credentials came with a start. `service` is the value of the service credential's `Authorization`.

    `own`: Startgate itself says who asks. What came are then no credentials of the cluster: every call is made with the
    service credential, or without any where there is none.

    Raises:
        Refusal: 400 where a header that names somebody came twice: which one counts would be a guess.
    """
    for name in (*CALLER_HEADERS, SECONDARY_HEADER, SECONDARY_CLIENT_HEADER):
        if len(arrived.header_values(name)) > 1:
            raise Refusal(400, "illegal_argument_exception", f"multiple values for single-valued header [{name}]")
    trace = _trace(arrived)
    served = Credential(whose="service", headers=(("authorization", service), *trace)) if service else None
    if own:
        ours = served.headers if served is not None else trace
        also = Credential(whose="secondary", headers=ours) if arrived.header(SECONDARY_HEADER) else None
        return Credentials(caller=Credential(whose="caller", headers=ours), secondary=also, service=served)
    return Credentials(
        caller=Credential(whose="caller", headers=(*_named(arrived, CALLER_HEADERS), *trace)),
        secondary=_secondary(arrived, trace),
        service=served,
    )


def _trace(arrived: Arrived) -> tuple[tuple[str, str], ...]:
    """What joins calls to a start, as it came; `tracestate` may come in several headers, which are one list, and is
    nothing without its `traceparent` (W3C Trace Context §3.3)."""
    found = _named(arrived, TRACE_HEADERS[:2])
    states = [value for value in arrived.header_values("tracestate") if value]
    joined = (("tracestate", ",".join(states)),) if states and arrived.header("traceparent") is not None else ()
    return (*found, *joined)


def _named(arrived: Arrived, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name in names if (value := arrived.header(name)) is not None)


def _secondary(arrived: Arrived, trace: tuple[tuple[str, str], ...]) -> Credential | None:
    """As SecondaryAuthenticator: only its own headers count, and run-as does not apply to it; an empty one is none."""
    value = arrived.header(SECONDARY_HEADER)
    if not value:
        return None
    shared = arrived.header(SECONDARY_CLIENT_HEADER)
    client = () if shared is None else (("es-client-authentication", shared),)
    return Credential(whose="secondary", headers=(("authorization", value), *client, *trace))


def forwarded(arrived: Arrived, credentials: Credentials, own: Identities | None) -> tuple[tuple[str, str], ...]:
    """The headers of the start that goes to the cluster: as they came, or with Startgate's own credentials in place of
    those that only Startgate understands."""
    if own is None:
        return arrived.headers
    kept = ((name, value) for name, value in arrived.headers if name.lower() not in own.kept_back)
    service = credentials.service.headers if credentials.service is not None else ()
    return (*kept, *(pair for pair in service if pair[0] == "authorization"))


async def identify(
    job_id: str, arrived: Arrived, credentials: Credentials, cluster: Cluster, own: Identities | None = None
) -> Known | HiddenJob:
    """Ask who caller and secondary are, and for the job; all at the same time, where the cluster is asked.

    `own` knows them without the cluster, which is then asked nothing for somebody who is nobody. Else a refusal names
    the start, and not the question that was asked instead.

    Raises:
        Refusal: the cluster's own 401 or 403, the caller's before the secondary's; or that of `own`.
        ClusterUnreachable: no usable answer.
    """
    target, local = arrived.target, None
    if own is not None:
        local = await own.identify(
            arrived.headers, peer=arrived.peer, certificate=arrived.certificate, target=arrived.target
        )
    caller, secondary, job, state, version = await asyncio.gather(
        _told(local[0]) if local else cluster.identify(credentials.caller),
        _also(local, credentials, cluster),
        cluster.job(job_id, credentials.caller),
        cluster.job_state(job_id, credentials.caller),
        cluster.version(credentials.service or credentials.caller),
        return_exceptions=True,
    )
    who, also = _good(_reworded(caller, target)), _good(_failed_secondary(_reworded(secondary, target)))
    if isinstance(job, PassedOn):
        return HiddenJob(caller=who, secondary=also, refusal=job)
    return Known(
        caller=who,
        secondary=also,
        job=_good(job),
        state=_good(state),
        version=_good(version),
    )


async def _told(who: Identity) -> Identity:
    return who


async def _also(
    local: tuple[Identity, Identity | None] | None, credentials: Credentials, cluster: Cluster
) -> Identity | None:
    if local is not None:
        return local[1]
    return await cluster.identify(credentials.secondary) if credentials.secondary else None


def _reworded(outcome: T | BaseException, target: str) -> T | PassedOn | BaseException:
    """A refusal to identify somebody, as the start itself would have been refused."""
    if not isinstance(outcome, PassedOn):
        return outcome
    text = json.dumps(outcome.content)
    for asked, meant in ((IDENTIFY_TARGET, target), (IDENTIFY_ACTION, ACTION)):
        text = text.replace(json.dumps(asked)[1:-1], json.dumps(meant)[1:-1])
    return PassedOn(outcome.status, json.loads(text), headers=outcome.headers)


def _failed_secondary(outcome: T | BaseException) -> T | BaseException:
    """The cluster words a bad secondary credential so (SecondaryAuthenticator), whatever the reason.

    It never falls back to the anonymous user there: that would make a data subject of nobody.
    """
    if isinstance(outcome, Identity) and outcome.authentication_type == "anonymous":
        return Refusal(401, "security_exception", "Failed to authenticate secondary user")
    if not isinstance(outcome, PassedOn):
        return outcome
    cause = {"type": outcome.type, "reason": outcome.reason}
    text = "Failed to authenticate secondary user"
    return Refusal(outcome.status, "security_exception", text, caused_by=cause, headers=outcome.headers)


def _good(outcome: T | BaseException) -> T:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
