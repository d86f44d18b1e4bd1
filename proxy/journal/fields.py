"""Every field that a record of the journal may have: one table, from which the allow-list, the JSON Schema and the
reference in the documents are made.

A name is the path as Elasticsearch writes it, with dots. Names are those of the Elastic Common Schema (ECS 8.11) where
it has one, and `startgate.*` where it has none. Which changes need another `startgate.format` is in
docs/decisions/115-what-a-record-holds.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

FIRST = "0.1.0"


class Kind(StrEnum):
    """What a field holds. A keyword is one of few texts, or an id or a name; a text is a sentence, which may quote
    others. The form inside of a map, or of something free, is not this table's."""

    KEYWORD = "keyword"
    KEYWORDS = "keywords"
    TEXT = "text"
    TEXTS = "texts"
    DATE = "date"
    ADDRESS = "ip"
    COUNT = "count"
    NUMBER = "number"
    FLAG = "flag"
    OBJECTS = "objects"
    MAP = "map"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `of` are all values that it may have, where those are few; `always`: whatever holds the object around
    it holds it, too; `since` is the version that first wrote it."""

    name: str
    kind: Kind
    means: str
    of: tuple[str, ...] = ()
    always: bool = False
    since: str = FIRST


def _keyword(name: str, means: str, *of: str, always: bool = False) -> Field:
    return Field(name=name, kind=Kind.KEYWORD, means=means, of=of, always=always)


def _keywords(name: str, means: str, *of: str, always: bool = False) -> Field:
    return Field(name=name, kind=Kind.KEYWORDS, means=means, of=of, always=always)


def _text(name: str, means: str, *, always: bool = False) -> Field:
    return Field(name=name, kind=Kind.TEXT, means=means, always=always)


def _other(kind: Kind, name: str, means: str, *, always: bool = False) -> Field:
    return Field(name=name, kind=kind, means=means, always=always)


def _identity(at: str, who: str) -> tuple[Field, ...]:
    return (
        _keyword(f"{at}.name", f"user name of {who}", always=True),
        _keywords(f"{at}.roles", "their roles, as the cluster names them", always=True),
        _keyword(f"{at}.realm.name", "the realm that authenticated them", always=True),
        _keyword(f"{at}.realm.type", "its type", always=True),
        _keyword(f"{at}.authentication_type", "`realm`, `api_key`, `token`, `anonymous` or `internal`", always=True),
        _keyword(f"{at}.run_as.lookup_realm", "they act through another's credentials; the realm that they come from"),
        _keyword(f"{at}.api_key.id", "id of the API key that was shown"),
        _keyword(f"{at}.api_key.name", "its name"),
    )


def _origins(part: str, what: str) -> tuple[Field, ...]:
    at = f"startgate.destination.origins.{part}"
    return (
        _other(Kind.COUNT, f"{at}.index", f"how many {what} are copied from a source index"),
        _other(Kind.COUNT, f"{at}.override", "that the rules set"),
        _other(Kind.COUNT, f"{at}.job", "that come of the job's runtime mappings"),
        _other(Kind.COUNT, f"{at}.added", "that are added, as Elasticsearch does"),
    )


_EVENT = (
    _other(Kind.DATE, "@timestamp", "when the record was made, in UTC", always=True),
    _keyword("ecs.version", "version of the Elastic Common Schema that names the fields", always=True),
    _keyword("event.id", "the start's receipt, or a unique id of what is of no start", always=True),
    _keyword("event.kind", "what ECS calls it", "event", always=True),
    _keywords("event.category", "what ECS calls it", always=True),
    _keywords("event.type", "what ECS calls it: `access` with `allowed`, `denied` or `info`; `change`", always=True),
    _keyword("event.action", "what was done, such as `start-data-frame-analytics`", always=True),
    _keyword("event.dataset", "`startgate.` and the kind of record", always=True),
    _keyword("event.module", "what made it", "startgate", always=True),
    _keyword("event.outcome", "how it went", "success", "failure", "unknown", always=True),
    _text("event.reason", "why it went so, in words"),
    _other(Kind.DATE, "event.start", "when the start arrived; of an end: when the job was started"),
    _other(Kind.COUNT, "event.duration", "nanoseconds from there to this record"),
    _keywords("tags", "`break-glass` where an exception let the start pass"),
)
_REQUEST = (
    _keyword("user.name", "user name of the caller"),
    _keywords("user.roles", "the caller's roles"),
    _keyword("source.address", "who connected; behind a front with PROXY protocol, what the front says"),
    _other(Kind.ADDRESS, "source.ip", "the same, where it is an IP address"),
    _other(Kind.COUNT, "source.port", "the port on that side"),
    _keyword("client.address", "`X-Forwarded-For`, as it came: anybody may write anything there"),
    _keywords("startgate.forwarded.for", "its entries one by one"),
    _keywords("startgate.forwarded.header", "`Forwarded` (RFC 7239), as it came"),
    _keyword("startgate.front.address", "the front that told `source.address` by PROXY protocol"),
    _keyword("tls.client.subject", "distinguished name in the client's verified certificate (RFC 4514)"),
    _keyword("user_agent.original", "`User-Agent`"),
    _keyword("http.request.method", "method of the request", always=True),
    _other(Kind.COUNT, "http.response.status_code", "the status that the client got"),
    _keyword("url.path", "the path of the request, as it came; never its query"),
    _keyword("labels.x_opaque_id", "`X-Opaque-Id`: the cluster's own audit log has it, too"),
    _keyword("trace.id", "trace id of `traceparent` (W3C Trace Context), else of the gate's own trace"),
    _keyword("span.id", "its parent id; where starts are traced, the gate's own span"),
)
_RECORD = (
    _other(Kind.COUNT, "startgate.format", "form of the record; 1", always=True),
    _keyword("startgate.phase", "which of a start's records it is", "intent", "outcome", "end"),
    _keyword("startgate.receipt", "what the records of one start have in common; the answer's `X-Startgate-Receipt`"),
    _keyword("startgate.chain.journal", "id of the journal, made with its folder", always=True),
    _other(Kind.COUNT, "startgate.chain.seq", "the record's number in it, from 1", always=True),
    _keyword("startgate.chain.prev", "hash of the record before", always=True),
    _keyword("startgate.chain.hash", "SHA-256 of this record in canonical JSON, without this field", always=True),
    _other(Kind.FLAG, "startgate.plan_only", "only the plan was asked for"),
    _other(Kind.FLAG, "startgate.explain_only", "only the explanation was asked for"),
    _other(Kind.FLAG, "startgate.incomplete", "not all could be put on record; the gate's log says why"),
    _keyword("startgate.rules.revision", "revision of the rules that judged", always=True),
)
_WHO = (
    *_identity("startgate.caller", "whoever sent the start"),
    *_identity("startgate.secondary", "whoever it was sent for (`es-secondary-authorization`)"),
    _keyword(
        "startgate.owner.kind",
        "what the cluster tells of whose stored credentials the job runs with",
        "roles",
        "api_key",
        "service_account",
        "unknown",
        always=True,
    ),
    _keywords("startgate.owner.roles", "the owner's roles"),
    _keyword("startgate.owner.api_key.id", "id of the owner's API key"),
    _keyword("startgate.owner.api_key.name", "its name"),
    _keyword("startgate.owner.service_account", "the owner's service account"),
    _keyword("startgate.subjects.data", "whose data privileges count", "caller", "secondary", "owner", always=True),
    _keywords("startgate.subjects.asked", "whose privileges were asked about", always=True),
    _other(Kind.FLAG, "startgate.subjects.intermediary", "the caller is a trusted intermediary", always=True),
)
_WHAT = (
    _keyword("startgate.job.id", "id of the job", always=True),
    _keyword("startgate.job.analysis", "name of the analysis"),
    _other(Kind.COUNT, "startgate.job.create_time", "when the job was made, in milliseconds since 1970"),
    _keyword("startgate.job.version", "the version that its configuration names"),
    _keyword("startgate.job.config_sha256", "SHA-256 of its configuration as judged, in canonical JSON"),
    _keywords("startgate.job.sources", "the expressions that it names as sources"),
    _keywords(
        "startgate.job.source_indices",
        "the indices that these stood for, as read for the rules or the plan",
    ),
    _keyword("startgate.job.destination", "the name of its destination"),
    _keyword("startgate.job.results_field", "the field that its results go to"),
    _keyword("startgate.job.state", "its state when it was judged"),
    _keyword(
        "startgate.job.stage",
        "what a start of it would do",
        "first_time",
        "resuming_reindexing",
        "resuming_analyzing",
        "finished",
    ),
    _keyword("startgate.destination.index", "the destination", always=True),
    _keyword("startgate.destination.plan", "what is done about it", "create", "existing", "leave"),
    _text("startgate.destination.why", "and why"),
    _keywords("startgate.destination.source_indices", "the indices that settings and mappings are copied from"),
    _keyword("startgate.destination.body_sha256", "SHA-256 of the create request's body, in canonical JSON"),
    _other(Kind.MAP, "startgate.destination.settings", "the settings in it"),
    _other(Kind.FLAG, "startgate.destination.settings_left_out", "the settings take more than a record has room for"),
    _other(Kind.MAP, "startgate.destination.overrides", "settings that the rules set: each with `file:line`"),
    _other(Kind.COUNT, "startgate.destination.field_count", "how many top-level fields are in it"),
    _other(Kind.MAP, "startgate.destination.meta", "`_meta` of its mapping: by this the index is known again"),
    *_origins("settings", "settings"),
    *_origins("fields", "top-level fields"),
    *_origins("runtime", "runtime fields"),
    _other(Kind.FLAG, "startgate.destination.created", "this start made the index"),
    _keyword("startgate.destination.created_as", "with whose credentials", "caller", "secondary", "service"),
    _text("startgate.destination.removal", "what became of an index that this start made in vain"),
)
_REASON = (
    _keyword("startgate.verdict.reasons.kind", "what kind of reason it is", always=True),
    _text("startgate.verdict.reasons.text", "the reason in words", always=True),
    _keyword("startgate.verdict.reasons.subject", "whom it is about"),
    _keyword("startgate.verdict.reasons.index", "the index or expression that it is about"),
    _keyword("startgate.verdict.reasons.privilege", "the privilege that is missing"),
    _keywords("startgate.verdict.reasons.by", "who denies it: `cluster`, `roles`"),
    _keyword("startgate.verdict.reasons.id", "the guard's id"),
    _keyword("startgate.verdict.reasons.rule", "the rule's place, `file:line`"),
    _keyword("startgate.verdict.steps.kind", "what the step is about", always=True),
    _keyword("startgate.verdict.steps.outcome", "what it came to", always=True),
    _text("startgate.verdict.steps.text", "the step in words", always=True),
    _keyword("startgate.verdict.steps.subject", "whom it is about"),
    _keyword("startgate.verdict.steps.id", "the guard's or the exception's id"),
    _keyword("startgate.verdict.steps.rule", "the rule's place, `file:line`"),
    _text("startgate.verdict.steps.seen", "the values that it came from, as JSON"),
)


def _warned(at: str, mode: str) -> tuple[Field, ...]:
    return (
        _other(Kind.OBJECTS, at, f"guards in the mode `{mode}` that would have denied"),
        _keyword(f"{at}.id", "the guard's id", always=True),
        _text(f"{at}.message", "what it says", always=True),
        _keyword(f"{at}.rule", "its place, `file:line`", always=True),
    )


_WHY = (
    _other(Kind.FLAG, "startgate.verdict.allowed", "whether the rules let the start pass", always=True),
    _other(Kind.OBJECTS, "startgate.verdict.reasons", "all that speaks against it", always=True),
    _other(Kind.OBJECTS, "startgate.verdict.steps", "how the verdict came about", always=True),
    *_REASON,
    _other(Kind.COUNT, "startgate.verdict.reasons_left_out", "how many more reasons there were"),
    _other(Kind.COUNT, "startgate.verdict.steps_left_out", "how many more steps there were"),
    *_warned("startgate.verdict.warnings", "warn"),
    *_warned("startgate.verdict.shadowed", "shadow"),
    _keyword("startgate.verdict.exception.id", "the break-glass exception that let the start pass", always=True),
    _text("startgate.verdict.exception.reason", "why there is one", always=True),
    _keyword("startgate.verdict.exception.signed_by", "the key that signed it", always=True),
    _other(Kind.COUNT, "startgate.verdict.exception.from_ms", "in force from, in milliseconds since 1970", always=True),
    _other(Kind.COUNT, "startgate.verdict.exception.until_ms", "until", always=True),
    _keyword("startgate.verdict.exception.rule", "its place, `file:line`", always=True),
    _other(Kind.MAP, "startgate.situation", "what was judged, so that it can be judged again (`audit replay`)"),
)
_HOW = (
    _other(Kind.COUNT, "startgate.cluster.status", "the cluster's answer to the start", always=True),
    _keyword("startgate.cluster.node", "the node that runs the job"),
    *(
        _other(Kind.NUMBER, f"startgate.timings_ms.{step}", f"milliseconds from the start's arrival until {until}")
        for step, until in {
            "identified": "it was known who asks for which job",
            "judged": "the rules had judged",
            "planned": "it was known what to do about the destination",
            "intended": "the intent was on disk",
            "prepared": "the destination was there",
            "forwarded": "the cluster had answered",
            "answered": "its answer was ready, which is sent once this record is on the disk",
        }.items()
    ),
)
# What was found of a start that a crash had interrupted.
_RECONCILED = (
    _keyword("startgate.reconciled.cluster", "whether it told: `answered`, `refused`, `no_service_credential`"),
    _keyword("startgate.reconciled.job", "whether the job is still the same: `same`, `made_anew`, `gone`, `unknown`"),
    _keyword("startgate.reconciled.started", "whether the cluster started it: `yes`, `not_seen`, `unknown`"),
    _keyword("startgate.reconciled.destination", "whose it is: `made_by_us`, `foreign`, `missing`, `unknown`"),
    _keyword("startgate.reconciled.job_state", "the job's state when it was looked at"),
    _keyword("startgate.reconciled.stage", "what a start of it would do then"),
    _keyword("startgate.reconciled.started_again_as", "receipt of a start of the same job since"),
)
_END = (
    _keyword("startgate.end.state", "the job's last state: `stopped`, `failed`, or what it was when it was last seen"),
    _keyword(
        "startgate.end.stage",
        "what a start of it would do next; `finished`: it has done its work",
        "first_time",
        "resuming_reindexing",
        "resuming_analyzing",
        "finished",
    ),
    _text("startgate.end.failure_reason", "why it failed, in the cluster's words"),
    _keyword("startgate.end.node", "the node that it last ran on"),
    _other(Kind.MAP, "startgate.end.progress", "how far each phase came, in percent"),
    _other(Kind.COUNT, "startgate.end.documents.training", "documents that it was trained on, or looked at"),
    _other(Kind.COUNT, "startgate.end.documents.test", "documents that were kept for testing"),
    _other(Kind.COUNT, "startgate.end.documents.skipped", "documents that were left out"),
    _other(Kind.COUNT, "startgate.end.peak_memory_bytes", "the most memory that it took"),
    _keyword("startgate.end.memory_status", "`ok` or `hard_limit`"),
    _keyword("startgate.end.started_again_as", "receipt of the next start of the same job"),
    _other(Kind.FLAG, "startgate.end.made_anew", "the job was deleted, and made anew under the same id"),
    _text("startgate.end.removal", "what became of a destination that was left blocked for its removal"),
)
_ADMIN = (
    _keyword("startgate.admin.trigger", "why rules were read", "boot", "watch", "signal", "control"),
    _keyword("startgate.admin.outcome", "what came of it", "loaded", "unchanged", "refused"),
    _keyword("startgate.admin.rules.before", "revision in force before"),
    _keyword("startgate.admin.rules.after", "and after"),
    _keyword("startgate.admin.by", "who asked for it"),
    _keyword("startgate.admin.realm", "their realm; `startgate:token` and `startgate:socket` are Startgate's own"),
    _keyword("startgate.admin.role", "what they may do at the admin port", "own", "read", "write"),
    _keywords("startgate.admin.asked", "what was asked for, such as `form=csv`"),
    _keyword("startgate.admin.asked_user", "the user whom it was about"),
    _other(Kind.COUNT, "startgate.admin.repeated.count", "attempts that this one record tells of"),
    _other(Kind.COUNT, "startgate.admin.repeated.since_ms", "when the first of them was, in milliseconds since 1970"),
    _other(Kind.COUNT, "startgate.admin.repeated.until_ms", "and the last"),
    _keywords("startgate.admin.faults", "what is wrong with the files, each with `file:line:column`"),
    _other(Kind.COUNT, "startgate.admin.cases.run", "cases that were run beside the rules"),
    _other(Kind.COUNT, "startgate.admin.cases.failed", "those that failed"),
    _keywords("startgate.admin.break_glass", "ids of the exceptions in the rules"),
)

# What the journal tells of itself; only its actions have these.
_JOURNAL = (
    _keyword("startgate.admin.journal.file", "the file that was begun, opened or deleted"),
    _keyword("startgate.admin.journal.before", "what was there before: records or none; of a clock: its time"),
    _keyword("startgate.admin.journal.after", "the file before this one; of a clock: its time now"),
    _other(Kind.COUNT, "startgate.admin.journal.after_bytes", "size of the file before"),
    _other(Kind.COUNT, "startgate.admin.journal.bytes", "size of the file that is deleted"),
    _other(Kind.COUNT, "startgate.admin.journal.first_seq", "number of the first record in it"),
    _keyword("startgate.admin.journal.first_hash", "its hash"),
    _other(Kind.COUNT, "startgate.admin.journal.last_seq", "number of the last record in it"),
    _keyword("startgate.admin.journal.last_hash", "its hash"),
    _text("startgate.admin.journal.why", "why the file was begun or deleted"),
    _other(Kind.MAP, "startgate.admin.journal.torn", "a line that a crash cut short"),
    _other(Kind.TEXTS, "startgate.admin.journal.notes", "what was mended"),
    _other(Kind.COUNT, "startgate.admin.journal.records", "how many records were lost, or came late"),
    _keywords("startgate.admin.journal.receipts", "of which starts"),
    _other(Kind.DATE, "startgate.admin.journal.since", "since when"),
)

_SEEN = "startgate.owner.seen"
_OBSERVED = (
    _keyword("startgate.observed.by", "whose credentials a job has after PUT or `_update`", "caller", "secondary"),
    _other(Kind.COUNT, "startgate.observed.began_ms", "when the call had come, in milliseconds since 1970"),
    _other(Kind.COUNT, "startgate.observed.answered_ms", "when the cluster had answered"),
    _text("startgate.observed.unknown_who", "why it is not known who called"),
    _text("startgate.observed.unknown_job", "why it is not known what the job has become"),
    _other(Kind.COUNT, "startgate.observed.missed.count", "calls that passed and are not known to be on record"),
    _other(Kind.MAP, "startgate.observed.missed.calls", "how many of each `event.action`"),
    _other(Kind.COUNT, "startgate.observed.missed.refused", "how many more the cluster refused"),
    _other(Kind.COUNT, "startgate.observed.missed.since_ms", "when the first of them had come"),
    _other(Kind.COUNT, "startgate.observed.missed.until_ms", "when the last of them was answered"),
    _other(Kind.FLAG, f"{_SEEN}.known", "whether it is known who made or last changed the job", always=True),
    _text(f"{_SEEN}.why", "why it is not, such as `before our time: …`"),
    _keyword(f"{_SEEN}.name", "user name of whoever did"),
    _keyword(f"{_SEEN}.realm.name", "their realm"),
    _keyword(f"{_SEEN}.realm.type", "its type"),
    _keyword(f"{_SEEN}.api_key.id", "id of the API key that they showed"),
    _keyword(f"{_SEEN}.api_key.name", "its name"),
    _keyword(f"{_SEEN}.run_as.lookup_realm", "they acted through another's credentials; their own realm"),
    _keyword(f"{_SEEN}.by", "whether they called themselves, or Kibana did for them", "caller", "secondary"),
    _keyword(f"{_SEEN}.action", "the call by which they did"),
    _other(Kind.DATE, f"{_SEEN}.time", "when it was recorded"),
    _keyword(f"{_SEEN}.record", "`event.id` of its record"),
    _other(Kind.COUNT, "startgate.admin.unauthenticated.count", "attempts that have no record of their own"),
    _other(Kind.COUNT, "startgate.admin.unauthenticated.since_ms", "when the first of them was answered"),
    _other(Kind.COUNT, "startgate.admin.unauthenticated.until_ms", "and the last"),
)

# By what a reader looks for; the order is that of the document.
TABLE: Mapping[str, tuple[Field, ...]] = {
    "What happened": _EVENT,
    "Which record it is": _RECORD,
    "The request": _REQUEST,
    "Who": _WHO,
    "What": _WHAT,
    "Why": _WHY,
    "How it went": _HOW,
    "What was found after a crash": _RECONCILED,
    "How it ended": _END,
    "Calls on a job that are no starts": _OBSERVED,
    "Changes to Startgate itself": _ADMIN,
    "The journal about itself": _JOURNAL,
}
FIELDS: Mapping[str, Field] = {one.name: one for part in TABLE.values() for one in part}
# Objects that are there whatever else is: in a record, or in the object around them.
THERE = frozenset({"ecs", "event", "startgate", "startgate.caller.realm", "startgate.secondary.realm"})
