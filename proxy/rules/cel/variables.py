"""All that a condition may look at and call: the one table that types, hints and the guide are made from."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The type of a variable or field, as CEL writes it. RECORD has fields of its own; RECORDS is a list of such."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    STRINGS = "list(string)"
    DYN = "dyn"
    RECORD = "record"
    RECORDS = "list(record)"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, or a field of one: its name, type and meaning; `fields` where it is a record or a list of such."""

    name: str
    kind: Kind
    text: str
    fields: "tuple[Variable, ...]" = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A function or macro: its name, how it is written, and what it gives."""

    name: str
    form: str
    text: str


def _identity(also: str) -> tuple[Variable, ...]:
    """The fields of somebody who is known by name."""
    return (
        Variable("username", Kind.STRING, f'User name; of an API key its maker\'s.{also} `""` where it is not known.'),
        Variable("roles", Kind.STRINGS, "Role names. Empty for API keys and service accounts: they have no roles."),
        Variable("realm", Kind.STRING, 'Name of the realm that authenticated. `""` where it is not known.'),
        Variable("realm_type", Kind.STRING, "Type of that realm, such as `native`, `file`, `_es_api_key`."),
        Variable("authentication_type", Kind.STRING, "`realm`, `api_key`, `token`, `anonymous`, `internal`."),
        Variable("api_key_id", Kind.STRING, 'Id of the API key; `""` where it is none.'),
        Variable("api_key_name", Kind.STRING, 'Name of the API key; `""` where it is none. Its maker chose it freely.'),
        Variable("runs_as", Kind.BOOL, "Whether somebody else's credentials were presented for this user."),
        Variable("intermediary", Kind.BOOL, "Whether it is one of `trusted_intermediaries`, such as Kibana's user."),
    )


_CALLER = _identity("")
_DATA = _identity(" A service account's is its name.")
_OWNER = (
    Variable("kind", Kind.STRING, "`roles`, `api_key` or `service_account`: what the cluster tells of the owner."),
    Variable("roles", Kind.STRINGS, "The roles that the owner had when the job was last put or updated."),
    Variable("api_key_id", Kind.STRING, 'Id of the owner\'s API key; `""` where it is none.'),
    Variable("api_key_name", Kind.STRING, 'Name of the owner\'s API key; `""` where it is none.'),
    Variable("service_account", Kind.STRING, 'Such as `elastic/kibana`; `""` where it is none.'),
)
_SOURCE = (
    Variable(
        "index", Kind.STRINGS, "The source expressions as the job has them: names, aliases, wildcards, exclusions."
    ),
    Variable("resolved", Kind.STRINGS, "The indices that these stand for now, and the data streams that those are of."),
)
_DEST = (
    Variable("index", Kind.STRING, "The destination as the job names it. It can be an alias: see `destination`."),
    Variable("results_field", Kind.STRING, "The field that results are written under."),
)
_JOB = (
    Variable("id", Kind.STRING, "The job's id."),
    Variable("description", Kind.STRING, 'Its description; `""` where it has none.'),
    Variable("version", Kind.STRING, "The version text of its configuration."),
    Variable("create_time", Kind.TIMESTAMP, "When the job was put."),
    Variable("source", Kind.RECORD, "What is read.", _SOURCE),
    Variable("dest", Kind.RECORD, "What is written.", _DEST),
    Variable("analysis", Kind.STRING, "`outlier_detection`, `regression` or `classification`."),
    Variable("settings", Kind.DYN, "What is set under the analysis, as JSON: `job.settings.dependent_variable`."),
    Variable("model_memory_limit_bytes", Kind.INT, "`model_memory_limit` in bytes; 1 GiB where the job has none."),
    Variable("max_num_threads", Kind.INT, "Threads; 1 where the job has none."),
    Variable("allow_lazy_start", Kind.BOOL, "Whether the job may wait for a node to have room."),
    Variable("config", Kind.DYN, "The whole configuration, as JSON: `has(job.config._meta)`."),
)
_DESTINATION = (
    Variable("index", Kind.STRING, "The destination as the job names it."),
    Variable("exists", Kind.BOOL, "Whether there is such an index now."),
    Variable("concrete", Kind.STRING, 'The index behind that name (an alias\' write index); `""` where there is none.'),
)
_REQUEST = (
    Variable("peer", Kind.STRING, "Address that the connection came from."),
    Variable("forwarded_for", Kind.STRINGS, "`X-Forwarded-For`, in order. Whoever sends it can make it up."),
    Variable("user_agent", Kind.STRING, "`User-Agent`. Whoever sends it can make it up."),
    Variable("opaque_id", Kind.STRING, "`X-Opaque-Id`. Whoever sends it can make it up."),
    Variable("timeout_seconds", Kind.DOUBLE, "The `timeout` of the request, in seconds."),
)
_RUNNING = (
    Variable("id", Kind.STRING, "The job's id."),
    Variable("analysis", Kind.STRING, "Name of its analysis."),
    Variable("sources", Kind.STRINGS, "Its source expressions."),
    Variable("destination", Kind.STRING, "Its destination as it names it."),
    Variable("model_memory_limit_bytes", Kind.INT, "Its `model_memory_limit` in bytes."),
    Variable("owner_roles", Kind.STRINGS, "Its owner's roles; empty where the owner has none."),
)

VARIABLES = (
    Variable("caller", Kind.RECORD, "Who sent the request.", _CALLER),
    Variable("data", Kind.RECORD, "Whose access to the data counts: caller, secondary identity or owner.", _DATA),
    Variable("owner", Kind.RECORD, "With whose stored credentials the job runs.", _OWNER),
    Variable("job", Kind.RECORD, "The job as the cluster holds it.", _JOB),
    Variable("destination", Kind.RECORD, "The destination as the cluster has it before the start.", _DESTINATION),
    Variable("request", Kind.RECORD, "The request itself.", _REQUEST),
    Variable("running", Kind.RECORDS, "The jobs that are under way in the whole cluster.", _RUNNING),
    Variable("now", Kind.TIMESTAMP, "When the start is judged."),
    Variable("kib", Kind.INT, "1024."),
    Variable("mib", Kind.INT, "1024 * kib."),
    Variable("gib", Kind.INT, "1024 * mib."),
    Variable("tib", Kind.INT, "1024 * gib."),
)

CONSTANTS = {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}


def kinds(variables: tuple[Variable, ...] = VARIABLES, above: str = "") -> dict[str, Kind]:
    """The type of every variable and field by its dotted name; `running.id` is that of one element."""
    found: dict[str, Kind] = {}
    for variable in variables:
        found[f"{above}{variable.name}"] = variable.kind
        found |= kinds(variable.fields, f"{above}{variable.name}.")
    return found


_ZONE = 'With a zone, `"Europe/Berlin"` or `"+02:00"`; without, in UTC.'

MACROS = (
    Function("has", "has(a.b)", "Whether a key is there (`dyn`), or a field is not empty, zero or false (records)."),
    Function("exists", "list.exists(x, …)", "Whether the condition holds for one element at least."),
    Function("all", "list.all(x, …)", "Whether it holds for every element; true of an empty list."),
    Function("exists_one", "list.exists_one(x, …)", "Whether it holds for exactly one."),
    Function("filter", "list.filter(x, …)", "The elements for which it holds."),
    Function("map", "list.map(x, …)", "A list of what the expression gives for each element."),
)

FUNCTIONS = (
    Function("size", "size(x), x.size()", "Characters of a text, elements of a list or map."),
    Function("startsWith", "text.startsWith(t)", "Whether the text begins so."),
    Function("endsWith", "text.endsWith(t)", "Whether it ends so."),
    Function("contains", "text.contains(t)", "Whether it is somewhere in it."),
    Function("matches", 'text.matches("…")', "Whether RE2's regular expression, a literal, is found in it: anchor it."),
    Function("int", "int(x)", "A whole number from a number, a text or a timestamp (seconds since 1970)."),
    Function("double", "double(x)", "A fraction from a number or a text."),
    Function("string", "string(x)", "A number, bool or timestamp as text."),
    Function("timestamp", 'timestamp("2026-01-31T00:00:00Z")', "A moment, in RFC 3339's form."),
    Function("duration", 'duration("1h30m")', "A length of time in h, m, s, ms, us, ns."),
    Function("getFullYear", "t.getFullYear()", _ZONE),
    Function("getMonth", "t.getMonth()", f"0 is January. {_ZONE}"),
    Function("getDate", "t.getDate()", f"Day of the month, from 1. {_ZONE}"),
    Function("getDayOfMonth", "t.getDayOfMonth()", f"Day of the month, from 0. {_ZONE}"),
    Function("getDayOfWeek", "t.getDayOfWeek()", f"0 is Sunday. {_ZONE}"),
    Function("getDayOfYear", "t.getDayOfYear()", f"From 0. {_ZONE}"),
    Function("getHours", "t.getHours()", f"0 to 23, of a duration the whole hours. {_ZONE}"),
    Function("getMinutes", "t.getMinutes()", f"0 to 59, of a duration the whole minutes. {_ZONE}"),
    Function("getSeconds", "t.getSeconds()", f"0 to 59, of a duration the whole seconds. {_ZONE}"),
    Function("getMilliseconds", "t.getMilliseconds()", f"0 to 999. {_ZONE}"),
)
