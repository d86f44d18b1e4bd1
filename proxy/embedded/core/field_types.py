"""Field types of Elasticsearch 8.15: their parameters with defaults, and what field capabilities say of them.

A parameter set to its default is not shown when a mapping is read back (FieldMapper.Parameter.isConfigured), and one
that is not `updatable` cannot change once a field exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.embedded.core import dates
from proxy.embedded.core.json_text import Json


@dataclass(frozen=True, slots=True)
class Parameter:
    """One mapping parameter. `kind`: bool, int, float, text or any. `explicit` ones are shown whenever they are set."""

    kind: str = "any"
    default: Json = None
    updatable: bool = False
    explicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """One field type. `family` is the type that field capabilities report; `composite` values may be JSON objects."""

    name: str
    family: str
    parameters: Mapping[str, Parameter] = field(repr=False)
    required: tuple[str, ...] = ()
    composite: bool = False
    searchable: bool = True  # by default, before `index` and `doc_values` are looked at
    doc_values_searchable: bool = False  # searchable by doc values where `index` is off
    aggregatable: bool = True


_FLAG_ON = Parameter("bool", True)
_FLAG_OFF = Parameter("bool", False)
_LATER_FLAG = Parameter("bool", False, updatable=True)
_EXPLICIT = Parameter("bool", None, updatable=True, explicit=True)
_LATER = Parameter("any", None, updatable=True)
_TEXT = Parameter("text")
_ANY = Parameter()

COMMON: dict[str, Parameter] = {"meta": Parameter("any", {}, updatable=True), "copy_to": Parameter("any", [], True)}
_STORED = {"index": _FLAG_ON, "doc_values": _FLAG_ON, "store": _FLAG_OFF}
_SCRIPT = {"script": _ANY, "on_script_error": _ANY}
_SERIES = {"time_series_dimension": _FLAG_OFF, "time_series_metric": _LATER}

_NUMBER = {**_STORED, **_SCRIPT, **_SERIES, "coerce": _EXPLICIT, "ignore_malformed": _EXPLICIT, "null_value": _ANY}
_DATE = {
    **_STORED,
    **_SCRIPT,
    "format": Parameter("text", dates.DEFAULT),
    "locale": _TEXT,
    "null_value": _TEXT,
    "ignore_malformed": _EXPLICIT,
}
_NANOS = {**_DATE, "format": Parameter("text", dates.DEFAULT_NANOS)}
_KEYWORD = {
    **_STORED,
    **_SCRIPT,
    "null_value": _TEXT,
    "eager_global_ordinals": _LATER_FLAG,
    "ignore_above": Parameter("int", 2**31 - 1, updatable=True),
    "index_options": Parameter("text", "docs"),
    "norms": _LATER_FLAG,
    "similarity": Parameter("text"),
    "normalizer": _TEXT,
    "split_queries_on_whitespace": _LATER_FLAG,
    "time_series_dimension": _FLAG_OFF,
}
_TEXT_FIELD = {
    "index": _FLAG_ON,
    "store": _FLAG_OFF,
    "index_options": Parameter("text", "positions"),
    "norms": Parameter("bool", True, updatable=True),
    "term_vector": Parameter("text", "no"),
    "index_prefixes": _ANY,
    "index_phrases": _FLAG_OFF,
    "fielddata": _LATER_FLAG,
    "fielddata_frequency_filter": _LATER,
    "eager_global_ordinals": _LATER_FLAG,
    "similarity": _TEXT,
    "analyzer": _TEXT,
    "search_analyzer": Parameter("text", None, updatable=True),
    "search_quote_analyzer": Parameter("text", None, updatable=True),
    "position_increment_gap": Parameter("int", 100),
}
_RANGE = {**_STORED, "coerce": _EXPLICIT}
_GEO = {**_STORED, **_SCRIPT, "ignore_malformed": _EXPLICIT, "ignore_z_value": _EXPLICIT, "null_value": _ANY}
_SHAPE = {
    "index": _FLAG_ON,
    "doc_values": _FLAG_ON,
    "store": _FLAG_OFF,
    "ignore_malformed": _EXPLICIT,
    "ignore_z_value": _EXPLICIT,
    "coerce": _EXPLICIT,
    "orientation": Parameter("text", "right", updatable=True),
    "strategy": _ANY,
}


def _type(name: str, parameters: Mapping[str, Parameter], family: str | None = None, **more: Json) -> FieldType:
    return FieldType(name=name, family=family or name, parameters={**COMMON, **parameters}, **more)


WHOLE = {"byte": 2**7, "short": 2**15, "integer": 2**31, "long": 2**63}  # the first value too large for each
FLOATING = ("half_float", "float", "double", "scaled_float")
NUMERIC = (*WHOLE, "unsigned_long", *FLOATING)
RANGES = ("integer_range", "long_range", "float_range", "double_range", "date_range", "ip_range")

_ALL = [
    *(_type(name, _NUMBER, doc_values_searchable=True) for name in NUMERIC if name != "scaled_float"),
    _type(
        "scaled_float",
        {**_NUMBER, "scaling_factor": Parameter("float")},
        required=("scaling_factor",),
        doc_values_searchable=True,
    ),
    _type(
        "boolean",
        {**_STORED, **_SCRIPT, **_SERIES, "null_value": Parameter("bool"), "ignore_malformed": _EXPLICIT},
        doc_values_searchable=True,
    ),
    _type("date", _DATE, doc_values_searchable=True),
    _type("date_nanos", _NANOS, doc_values_searchable=True),
    _type(
        "ip",
        {**_STORED, **_SCRIPT, **_SERIES, "null_value": _TEXT, "ignore_malformed": _EXPLICIT},
        doc_values_searchable=True,
    ),
    _type("keyword", _KEYWORD, doc_values_searchable=True),
    _type("constant_keyword", {"value": _LATER}, "keyword"),
    _type("wildcard", {"ignore_above": Parameter("int", 2**31 - 1, updatable=True), "null_value": _TEXT}, "keyword"),
    _type("version", {}),
    _type("text", _TEXT_FIELD, aggregatable=False),
    _type("match_only_text", {"analyzer": _TEXT, "search_analyzer": _LATER}, "text", aggregatable=False),
    _type("annotated_text", _TEXT_FIELD, "text", aggregatable=False),
    _type(
        "search_as_you_type",
        {**_TEXT_FIELD, "max_shingle_size": Parameter("int", 3), "doc_values": _ANY},
        aggregatable=False,
    ),
    _type("semantic_text", {"inference_id": _TEXT, "model_settings": _LATER}, "text", aggregatable=False),
    _type(
        "token_count",
        {
            "analyzer": _TEXT,
            "index": _FLAG_ON,
            "doc_values": _FLAG_ON,
            "store": _FLAG_OFF,
            "null_value": _ANY,
            "enable_position_increments": _FLAG_ON,
        },
        "integer",
    ),
    _type("binary", {"store": _FLAG_OFF, "doc_values": _FLAG_OFF}, searchable=False),
    _type(
        "flattened",
        {
            "index": _FLAG_ON,
            "doc_values": _FLAG_ON,
            "depth_limit": Parameter("int", 20, updatable=True),
            "eager_global_ordinals": _LATER_FLAG,
            "null_value": _TEXT,
            "similarity": _TEXT,
            "ignore_above": Parameter("int", 2**31 - 1, updatable=True),
            "index_options": _TEXT,
            "split_queries_on_whitespace": _LATER_FLAG,
            "time_series_dimensions": _ANY,
        },
        composite=True,
    ),
    *(
        _type(name, {**_RANGE, "format": _TEXT, "locale": _TEXT} if name == "date_range" else _RANGE, composite=True)
        for name in RANGES
    ),
    _type("geo_point", _GEO, composite=True),
    _type("point", _GEO, composite=True),
    _type("geo_shape", _SHAPE, composite=True),
    _type("shape", _SHAPE, composite=True),
    _type(
        "completion",
        {
            "analyzer": _TEXT,
            "search_analyzer": _LATER,
            "preserve_separators": _FLAG_ON,
            "preserve_position_increments": _FLAG_ON,
            "contexts": _ANY,
            "max_input_length": Parameter("int", 50, updatable=True),
        },
        composite=True,
        aggregatable=False,
    ),
    _type(
        "dense_vector",
        {
            "dims": Parameter("int"),
            "index": _ANY,
            "similarity": _ANY,
            "index_options": _LATER,
            "element_type": Parameter("text", "float"),
        },
        aggregatable=False,
    ),
    _type("sparse_vector", {}, composite=True, aggregatable=False),
    _type("rank_feature", {"positive_score_impact": _FLAG_ON, "null_value": _ANY}, aggregatable=False),
    _type("rank_features", {"positive_score_impact": _FLAG_ON}, composite=True, aggregatable=False),
    _type("histogram", {"ignore_malformed": _EXPLICIT, "coerce": _EXPLICIT}, composite=True, searchable=False),
    _type(
        "aggregate_metric_double",
        {"metrics": _ANY, "default_metric": _TEXT, "ignore_malformed": _EXPLICIT, "time_series_metric": _LATER},
        required=("metrics", "default_metric"),
        composite=True,
    ),
    _type(
        "join", {"relations": _LATER, "eager_global_ordinals": Parameter("bool", True, updatable=True)}, composite=True
    ),
    _type("percolator", {}, composite=True, aggregatable=False),
]

TYPES: dict[str, FieldType] = {found.name: found for found in _ALL}

OBJECT_PARAMETERS = frozenset({"type", "dynamic", "enabled", "properties", "subobjects"})
NESTED_PARAMETERS = OBJECT_PARAMETERS | {"include_in_parent", "include_in_root"}

# What `runtime` sections may name, and the fields that field capabilities list of every index.
RUNTIME_TYPES = frozenset(
    {"boolean", "composite", "date", "double", "geo_point", "geo_shape", "ip", "keyword", "long", "lookup"}
)
RUNTIME_PARAMETERS = frozenset(
    {
        "type",
        "script",
        "format",
        "locale",
        "meta",
        "fields",
        "on_script_error",
        "target_index",
        "input_field",
        "target_field",
        "fetch_fields",
    }
)
METADATA_FIELDS: dict[str, tuple[str, bool, bool]] = {  # name: (type, searchable, aggregatable)
    "_data_stream_timestamp": ("_data_stream_timestamp", False, False),
    "_doc_count": ("integer", False, False),
    "_field_names": ("_field_names", True, False),
    "_id": ("_id", True, False),
    "_ignored": ("_ignored", True, True),
    "_ignored_source": ("_ignored_source", False, False),
    "_index": ("_index", True, True),
    "_nested_path": ("_nested_path", True, False),
    "_routing": ("_routing", True, False),
    "_seq_no": ("_seq_no", True, True),
    "_source": ("_source", False, False),
    "_version": ("_version", False, True),
}
