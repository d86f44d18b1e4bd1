"""What a condition is asked about: the values of all variables in one start."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cel_expr_python import cel

from proxy.model import Identity, Job, Owner, OwnerKind
from proxy.rules.cel.cost import Part, Size
from proxy.rules.cel.json_values import json_fault, measured
from proxy.rules.cel.language import LANGUAGE
from proxy.rules.cel.memory import BadSize, bytes_of
from proxy.rules.cel.messages import dynamic, message
from proxy.rules.cel.variables import CONSTANTS, VARIABLES, Kind
from proxy.rules.compiled import Rules
from proxy.rules.situation import Request, RunningJob, Situation, SourceName, Target, Unknown
from proxy.rules.subjects import Subject, Subjects, is_trusted

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DYNAMIC = dynamic()
_KINDS = {variable.name: variable.kind for variable in VARIABLES}
# What a job has where its configuration does not say (`DataFrameAnalyticsConfig`).
_DEFAULT_MEMORY = "1gb"
_DEFAULT_THREADS = 1
_PARTS = tuple(Part)
_NOT_ASKED = "it was not asked for"
_NOT_TOLD = "the cluster does not tell of whose credentials the job has"
_INT64 = range(-(1 << 63), 1 << 63)


class _OfElements(list[Any]):
    """The values of one field in all elements of a list."""


class Environment(Mapping[str, Any]):
    """Variables by name, records as mappings, moments in RFC 3339's form; with what is not known, and why.

    `unknown` maps dotted names to reasons: conditions that look at one of them, or into it, or at all of what it is in,
    must fail. It is made for one start and belongs to one thread; what it was made of must not change.
    """

    __slots__ = ("_activations", "_sizes", "_values", "unknown")

    def __init__(self, values: Mapping[str, Any], unknown: Mapping[str, str] | None = None) -> None:
        self._values = {**CONSTANTS, **values}
        self.unknown = dict(unknown or {})
        self._activations: dict[bool, cel.Activation] = {}
        self._sizes: dict[Size, int] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - variables are of many types
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def reason_not_known(self, path: str) -> str | None:
        """Why what a dotted name stands for is not known; None where it is."""
        first = path.partition(".")[0]
        if first not in self._values and first not in self.unknown and first in _KINDS:
            return "there is no such value"
        if path.startswith(_DYNAMIC):
            self._look_into_json(path)
        for name, reason in self.unknown.items():
            if path == name or path.startswith(f"{name}.") or name.startswith(f"{path}."):
                return reason
        return None

    def _look_into_json(self, path: str) -> None:
        """Note JSON that cannot be handed to the library as not known. Only what is looked at is looked through."""
        for name in _DYNAMIC:
            if path.startswith(name) and name not in self.unknown and (fault := json_fault(self._found(name))):
                self.unknown[name] = fault

    def _found(self, path: str) -> Any:  # noqa: ANN401 - likewise
        """The value of a dotted name; of a field of a list's elements, all their values."""
        value: Any = self._values
        for piece in path.split("."):
            if isinstance(value, Mapping):
                value = value.get(piece)
            else:
                value = _OfElements(element.get(piece) for element in value or ())
        return value

    def size(self, of: Size) -> int:
        """How large what a dotted name stands for is; of JSON the whole counts, wherever in it one looks."""
        found = self._sizes.get(of)
        if found is None:
            path = next((name for name in _DYNAMIC if of.path.startswith(name)), of.path)
            value = self._found(path)
            # Of a field of a list's elements, the largest.
            each = [measured(one) for one in value] if isinstance(value, _OfElements) else [measured(value)]
            found = self._sizes[of] = max((size[_PARTS.index(of.part)] for size in each), default=0)
        return found

    def activation(self, *, with_json: bool) -> cel.Activation:
        """The values as the library takes them; JSON only where it is asked for, since it is copied."""
        made = self._activations.get(with_json)
        if made is None:
            data = {name: self._handed(name) for name in self._values if name not in self.unknown}
            if with_json:
                data |= {name: self._found(name) for name in _DYNAMIC if name not in self.unknown}
            made = self._activations[with_json] = LANGUAGE.Activation(data)
        return made

    def _handed(self, name: str) -> Any:  # noqa: ANN401 - likewise
        """One variable as the library takes it."""
        value = self._values[name]
        match _KINDS.get(name):
            case Kind.TIMESTAMP:
                return datetime.fromisoformat(value)
            case Kind.RECORD:
                return message(name, value)
            case Kind.RECORDS:
                return [message(name, element) for element in value]
            case _:
                return value


def environment_of(rules: Rules, situation: Situation, subjects: Subjects) -> Environment:
    """The variables of one start, as the table in `variables` says. Never fails: what is amiss is `unknown`."""
    known = _Known()
    caller = _identity(situation.caller, intermediary=subjects.intermediary)
    known.put("caller", caller)
    known.put("owner", _owner(situation.job.owner), _owner_not_told(situation.job.owner))
    known.put("data", *_data(rules, situation, subjects))
    known.put("job", _job(situation, known))
    known.put("destination", *_destination(situation.job, situation.target))
    known.put("request", _request(situation.request))
    known.put("running", *_running(situation.running))
    known.put("now", known.moment("now", situation.now_ms))
    if situation.left_out:
        known.unknown["job.config"] = f"the record leaves out {', '.join(situation.left_out)}"
    return Environment(known.values, known.unknown)


class _Known:
    """The values gathered so far, and what is not known."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.unknown: dict[str, str] = {}

    def put(self, name: str, value: Any, not_known: str | None = None) -> None:  # noqa: ANN401 - many types
        """A variable; `not_known` says why its value is only there for form's sake."""
        self.values[name] = value
        if not_known is not None:
            self.unknown[name] = not_known
        elif not _is_text(value):
            self.unknown[name] = "it holds characters that are no text (half of a surrogate pair)"

    def moment(self, path: str, at_ms: int) -> str:
        """A time in milliseconds since 1970 as a moment; one that no calendar has is not known."""
        try:
            return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
        except OverflowError:
            self.unknown[path] = f"{at_ms} ms since 1970 is no time that can be told"
            return _EPOCH.isoformat()

    def number(self, path: str, value: object) -> int:
        """A whole number of a configuration; anything else is not known."""
        if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
            return value
        self.unknown[path] = f"the cluster gave {str(value)[:40]!r}, which is no whole number"
        return 0


def _is_text(value: Any) -> bool:  # noqa: ANN401 - many types
    """Whether all texts in it can be written as UTF-8. JSON is looked through where it is used."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, Mapping):
        return all(_is_text(each) for name, each in value.items() if name not in {"settings", "config"})
    return all(_is_text(each) for each in value) if isinstance(value, list) else True


def _identity(identity: Identity, *, intermediary: bool) -> dict[str, Any]:
    """Somebody who presented credentials."""
    return {
        "username": identity.username,
        "roles": list(identity.roles),
        "realm": identity.realm,
        "realm_type": identity.realm_type,
        "authentication_type": identity.authentication_type,
        "api_key_id": identity.api_key_id or "",
        "api_key_name": identity.api_key_name or "",
        "runs_as": identity.runs_as,
        "intermediary": intermediary,
    }


def _data(rules: Rules, situation: Situation, subjects: Subjects) -> tuple[dict[str, Any], str | None]:
    """Whose access to the data counts. Of an owner only what the cluster stores is known: never a user's name."""
    if subjects.data is Subject.OWNER:
        owner = situation.job.owner
        account = owner.service_account or ""
        kept = Identity(
            username=account,
            roles=owner.roles,
            authentication_type=_OWNERS[owner.kind],
            api_key_id=owner.api_key_id,
            api_key_name=owner.api_key_name,
        )
        return _identity(kept, intermediary=False), _owner_not_told(owner)
    if subjects.data is Subject.CALLER:
        return _identity(situation.caller, intermediary=subjects.intermediary), None
    if situation.secondary is None:
        return _identity(Identity(username=""), intermediary=False), "no secondary identity was sent"
    return _identity(situation.secondary, intermediary=is_trusted(rules, situation.secondary)), None


_OWNERS = {
    OwnerKind.ROLES: "realm",
    OwnerKind.API_KEY: "api_key",
    OwnerKind.SERVICE_ACCOUNT: "token",
    OwnerKind.UNKNOWN: "",
}


def _owner(owner: Owner) -> dict[str, Any]:
    """With whose credentials the job runs."""
    return {
        "kind": owner.kind.value,
        "roles": list(owner.roles),
        "api_key_id": owner.api_key_id or "",
        "api_key_name": owner.api_key_name or "",
        "service_account": owner.service_account or "",
    }


def _owner_not_told(owner: Owner) -> str | None:
    """Why nothing can be said of the owner."""
    return _NOT_TOLD if owner.kind is OwnerKind.UNKNOWN else None


def _job(situation: Situation, known: _Known) -> dict[str, Any]:
    """The job as the cluster holds it."""
    job = situation.job
    config = job.config
    threads = config.get("max_num_threads", _DEFAULT_THREADS)
    resolved, not_resolved = _resolved(situation.sources)
    if not_resolved is not None:
        known.unknown["job.source.resolved"] = not_resolved
    return {
        "id": job.id,
        "description": str(config.get("description") or ""),
        "version": job.version,
        "create_time": known.moment("job.create_time", job.create_time),
        "source": {"index": list(job.sources), "resolved": resolved},
        "dest": {"index": job.destination, "results_field": job.results_field},
        "analysis": job.analysis,
        "settings": job.analysis_settings,
        "model_memory_limit_bytes": _memory(config.get("model_memory_limit", _DEFAULT_MEMORY), known),
        "max_num_threads": known.number("job.max_num_threads", threads),
        "allow_lazy_start": config.get("allow_lazy_start") is True,
        "config": config,
    }


def _memory(value: object, known: _Known) -> int:
    """`model_memory_limit` in bytes."""
    try:
        return bytes_of(value)
    except BadSize as exc:
        known.unknown["job.model_memory_limit_bytes"] = str(exc)
        return 0


def _resolved(sources: tuple[SourceName, ...] | Unknown | None) -> tuple[list[str], str | None]:
    """What the source expressions stand for: indices, and the data streams that they are of, each once."""
    if not isinstance(sources, tuple):
        return [], _not_known(sources)
    names: dict[str, None] = {}
    for source in sources:
        names[source.name] = None
        if source.data_stream is not None:
            names[source.data_stream] = None
    return list(names), None


def _destination(job: Job, target: Target | Unknown | None) -> tuple[dict[str, Any], str | None]:
    """The destination as the cluster has it."""
    if not isinstance(target, Target):
        return {"index": job.destination, "exists": False, "concrete": ""}, _not_known(target)
    return {"index": job.destination, "exists": target.name is not None, "concrete": target.name or ""}, None


def _running(running: tuple[RunningJob, ...] | Unknown | None) -> tuple[list[dict[str, Any]], str | None]:
    """The jobs that are under way."""
    if not isinstance(running, tuple):
        return [], _not_known(running)
    return [
        {
            "id": job.id,
            "analysis": job.analysis,
            "sources": list(job.sources),
            "destination": job.destination,
            "model_memory_limit_bytes": job.model_memory_limit_bytes,
            "owner_roles": list(job.owner_roles),
        }
        for job in running
    ], None


def _not_known(value: Unknown | None) -> str:
    """Why something is not known."""
    return _NOT_ASKED if value is None else value.text


def _request(request: Request) -> dict[str, Any]:
    """The request itself."""
    return {
        "peer": request.peer,
        "forwarded_for": list(request.forwarded_for),
        "user_agent": request.user_agent,
        "opaque_id": request.opaque_id,
        "timeout_seconds": float(request.timeout_s),
    }
