"""What a start asks for: the request target, the query and the small body, read as Elasticsearch reads them.

Sources: RestController, RestUtils, RestStartDataFrameAnalyticsAction, StartDataFrameAnalyticsAction.Request.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proxy.errors import Refusal
from proxy.gate.body import body_fields, inflated
from proxy.gate.escapes import decode_path, decode_query
from proxy.gate.timevalue import parse_timeout
from proxy.tracing.w3c import Ids

ID_LIMIT_CHARS = 64
# MlStrings.VALID_ID_CHAR_PATTERN
ID_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?")
BOOLEAN_PARAMETERS = ("pretty", "human", "error_trace")
COMMON_PARAMETERS = ("format", "filter_path", *BOOLEAN_PARAMETERS)
BODY_PARAMETERS = ("source", "source_content_type")
RUN_AS_HEADER = "es-security-runas-user"
SECONDARY_HEADER = "es-secondary-authorization"
# What asks for the plan alone. The parameter may stand beside the header: Elasticsearch itself, reached by mistake,
# would pass over the header and start the job, while it refuses parameters that it does not know.
PLAN_HEADER = "x-startgate-plan"
PLAN_PARAMETER = "startgate_plan"
# Likewise what asks for the explanation alone.
EXPLAIN_HEADER = "x-startgate-explain"
EXPLAIN_PARAMETER = "startgate_explain"
ONLY = "only"
# How many unknown parameters are given a hint: comparing thousands of names would hold up other starts.
HINTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A start as it came over the wire. `target` is the raw request target; header names are as sent, in order, those
    of Startgate's own left out; `plan` and `explain` hold the values of `X-Startgate-Plan` and `X-Startgate-Explain`,
    which are never sent to the cluster.
    `certificate` is what the edge tells of the client's, as `clientcert.told` words it; `front` is the address of who
    told `peer` by PROXY protocol; both are empty where there is none. `span` is the span that was begun for it, None
    where it is not traced."""

    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    peer: str = ""
    receipt: str
    plan: tuple[str, ...] = ()
    explain: tuple[str, ...] = ()
    certificate: str = field(default="", repr=False)
    front: str = ""
    span: Ids | None = None

    @property
    def plan_only(self) -> bool:
        """Whether the plan is asked for, and no start."""
        return self.plan == (ONLY,)

    @property
    def explain_only(self) -> bool:
        """Whether the explanation is asked for, and no start."""
        return self.explain == (ONLY,)

    def header(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def header_values(self, name: str) -> list[str]:
        """All values of a header, by its lower-case name."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def path(self) -> str:
        """The raw path: the target up to its first question mark."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: the start of `job_id`, to be waited for `timeout_s` seconds (None: as long as it takes)."""

    job_id: str
    timeout_s: float | None


def header_text(raw: bytes) -> str:
    """A header's bytes as a text that becomes the same bytes again when it is sent (as UTF-8), if they are UTF-8.

    Others are read as Latin-1, the older custom (RFC 9110 §5.5).
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def parameters_of(target: str) -> dict[str, str]:
    """The query parameters; of repeated ones the last counts.

    Raises:
        Refusal: 400 for a broken escape, or a target with anything in it but ASCII (RFC 9112 §3.2, RFC 3986 §2).
    """
    if not target.isascii():
        raise Refusal(400, "illegal_argument_exception", "the request target holds bytes that are not ASCII")
    return decode_query(target.partition("?")[2])


def read_request(arrived: Arrived, parameters: Mapping[str, str]) -> Wanted:
    """Read and check everything that can be checked without the cluster.

    Raises:
        Refusal: 400 or 406, in the order and with the texts of Elasticsearch.
    """
    job_id = _job_id(arrived.path)
    _check_wishes(arrived, parameters)
    body = inflated(arrived.body, arrived.header("content-encoding"))
    fields = body_fields(body, arrived.header_values("content-type"), parameters)
    # What Elasticsearch reads of the query depends on the body: what it does not read, it refuses.
    read = {*COMMON_PARAMETERS, "id"}
    if fields is None:
        timeout = parse_timeout(parameters.get("timeout"))
        read.add("timeout")
    else:
        body_id = fields.get("id")
        if body_id is not None and body_id != job_id:
            raise Refusal(400, "illegal_argument_exception", _inconsistent(body_id, job_id))
        timeout = parse_timeout(fields.get("timeout"))
        read.update(() if arrived.body else BODY_PARAMETERS)
    read.update(parameter for values, parameter, _ in _wishes(arrived) if values)
    _refuse_unknown(arrived.path, parameters, read)
    _check_id(job_id)
    return Wanted(job_id=job_id, timeout_s=timeout)


def _wishes(arrived: Arrived) -> tuple[tuple[tuple[str, ...], str, str], ...]:
    """What asks for something else than a start: the header's values, the parameter's name, the header's name."""
    return (
        (arrived.plan, PLAN_PARAMETER, "X-Startgate-Plan"),
        (arrived.explain, EXPLAIN_PARAMETER, "X-Startgate-Explain"),
    )


def _check_wishes(arrived: Arrived, parameters: Mapping[str, str]) -> None:
    """Whoever asks for a plan or an explanation in a way that is not understood must not get a start."""
    for values, parameter, header in _wishes(arrived):
        asked = (*values, *([parameters[parameter]] if values and parameter in parameters else ()))
        if len(values) > 1 or any(value != ONLY for value in asked):
            shown = ", ".join(f"[{value}]" for value in asked)
            text = f"{shown} in [{header}] is not understood; the one value is [{ONLY}], given once"
            raise Refusal(400, "illegal_argument_exception", text)
    if arrived.plan and arrived.explain:
        text = "[X-Startgate-Plan] and [X-Startgate-Explain] ask for two things at once; send one of them"
        raise Refusal(400, "illegal_argument_exception", text)


def _job_id(path: str) -> str:
    """The segment before `_start`, decoded once; empty segments at the end do not count (PathTrie).

    The route has been matched before; a front that sends anything else here is told so.
    """
    match path.rstrip("/").split("/"):
        case ["", "_ml", "data_frame", "analytics", segment, "_start"]:
            decode_path(path)  # the text of a fault names the whole path
            return decode_path(segment)
    raise Refusal(400, "illegal_argument_exception", f"[{path}] is not the start of a data frame analytics job")


def _inconsistent(body_id: str, job_id: str) -> str:
    return f"Inconsistent id; '{body_id}' specified in the body differs from '{job_id}' specified as a URL argument"


def _check_id(job_id: str) -> None:
    """Only the id of one job is started: an expression may match another job by the time that it is resolved again."""
    problem = ""
    if any(mark in job_id for mark in "*,") or job_id in ("", "_all"):
        problem = f"Invalid id; '{job_id}' is an expression; a start names exactly one job"
    elif not ID_PATTERN.fullmatch(job_id):
        problem = (
            f"Invalid id; '{job_id}' can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; "
            "must start and end with alphanumeric"
        )
    elif len(job_id) > ID_LIMIT_CHARS:
        problem = f"Invalid id; '{job_id}' cannot contain more than {ID_LIMIT_CHARS} characters."
    if problem:
        raise Refusal(400, "action_request_validation_exception", f"Validation Failed: 1: {problem};")


def _refuse_unknown(path: str, parameters: Mapping[str, str], read: set[str]) -> None:
    """Parameters that nobody read (BaseRestHandler.handleRequest), then common ones with a value that is none."""
    unknown = sorted(set(parameters) - read)
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        named = ", ".join(f"[{name}]{_hint(name, read) if at < HINTS else ''}" for at, name in enumerate(unknown))
        text = f"request [{decode_path(path)}] contains unrecognized parameter{plural}: {named}"
        raise Refusal(400, "illegal_argument_exception", text)
    for name in BOOLEAN_PARAMETERS:
        if parameters.get(name, "") not in ("", "true", "false"):
            text = f"Failed to parse value [{parameters[name]}] as only [true] or [false] are allowed."
            raise Refusal(400, "illegal_argument_exception", text)


def _hint(name: str, candidates: set[str]) -> str:
    near = [candidate for _, candidate in _by_likeness(name, sorted(candidates))]
    if not near:
        return ""
    return f" -> did you mean [{near[0]}]?" if len(near) == 1 else f" -> did you mean any of [{', '.join(near)}]?"


def _by_likeness(name: str, candidates: Sequence[str]) -> list[tuple[float, str]]:
    """Candidates more than half alike, the nearest first (LevenshteinDistance.getDistance > 0.5)."""
    # Names of very different length are less than half alike whatever their letters, and may be very long.
    fitting = [other for other in candidates if min(len(name), len(other)) / max(len(name), len(other)) > 0.5]
    scored = [(1 - _distance(name, other) / max(len(name), len(other)), other) for other in fitting]
    return sorted(((score, other) for score, other in scored if score > 0.5), key=lambda pair: (-pair[0], pair[1]))


def _distance(one: str, other: str) -> int:
    """Levenshtein's edit distance."""
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, theirs in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (mine != theirs))
    return row[-1]
