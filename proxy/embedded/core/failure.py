"""Errors as Elasticsearch renders them: type, reason, metadata fields, cause and root cause."""

from collections.abc import Mapping
from typing import Any

# Exceptions of Java, Jackson or the x-content layer. Elasticsearch looks for the root cause only through its own
# exceptions (ElasticsearchException.guessRootCauses), so these never become a root cause below one of those.
FOREIGN = frozenset(
    {
        "illegal_argument_exception",
        "illegal_state_exception",
        "number_format_exception",
        "date_time_parse_exception",
        "x_content_parse_exception",
        "x_content_e_o_f_exception",
        "json_e_o_f_exception",
        "json_parse_exception",
        "input_coercion_exception",
        "named_object_not_found_exception",
        "unchecked_i_o_exception",
    }
)


class ElasticError(Exception):
    """One error of the embedded cluster, thrown where Elasticsearch throws and rendered once by `body`.

    `status` is the HTTP status, `type` the exception's snake-case name, `fields` its metadata in order (such as
    `index_uuid`), `cause` the next error in the chain; `own_root` keeps it its own root cause whatever caused it.
    """

    def __init__(
        self,
        status: int,
        type: str,
        reason: str,
        *,
        fields: Mapping[str, Any] | None = None,
        cause: "ElasticError | None" = None,
        own_root: bool = False,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.type = type
        self.reason = reason
        self.fields = dict(fields or {})
        self.cause = cause
        self._own_root = own_root
        self.position: tuple[int, int] | None = None  # where the parser stood, for what wraps this error

    def root(self) -> "ElasticError":
        """The error that `root_cause` names: the innermost of the same world (Elasticsearch's own, or x-content's)."""
        found = self
        while not self._own_root and found.cause is not None and _same_world(found.type, found.cause.type):
            found = found.cause
        return found

    def flat(self) -> dict[str, Any]:
        """Type, reason and fields without the chain, as `root_cause` and bulk items begin."""
        return {"type": self.type, "reason": self.reason, **self.fields}

    def detail(self) -> dict[str, Any]:
        """Type, reason, fields and the chain of causes: the error of one item."""
        shown = self.flat()
        if self.cause is not None:
            shown["caused_by"] = self.cause.detail()
        return shown

    def error(self) -> dict[str, Any]:
        """The value of `error` in a whole answer."""
        return {"root_cause": [self.root().flat()], **self.detail()}

    def body(self) -> dict[str, Any]:
        """The whole answer."""
        return {"error": self.error(), "status": self.status}


def _same_world(outer: str, inner: str) -> bool:
    if outer == "x_content_parse_exception":
        return inner == outer or inner not in FOREIGN
    return outer not in FOREIGN and inner not in FOREIGN


def illegal(reason: str, cause: ElasticError | None = None) -> ElasticError:
    """400 `illegal_argument_exception`."""
    return ElasticError(400, "illegal_argument_exception", reason, cause=cause)


def number_format(text: str) -> ElasticError:
    """What Java says of a text that is no number."""
    reason = "empty String" if text == "" else f'For input string: "{text}"'
    return ElasticError(400, "number_format_exception", reason)


def parse_failure(reason: str) -> ElasticError:
    """400 `parse_exception`."""
    return ElasticError(400, "parse_exception", reason)


def parsing(reason: str, position: tuple[int, int], cause: ElasticError | None = None) -> ElasticError:
    """400 `parsing_exception` at a line and column of the body, both from 1."""
    line, column = position
    fault = ElasticError(400, "parsing_exception", reason, fields={"line": line, "col": column}, cause=cause)
    fault.position = position
    return fault


def x_content(position: tuple[int, int], reason: str, cause: ElasticError | None = None) -> ElasticError:
    """400 `x_content_parse_exception`, prefixed with line and column."""
    line, column = position
    fault = ElasticError(400, "x_content_parse_exception", f"[{line}:{column}] {reason}", cause=cause)
    fault.position = position
    return fault


def validation(*reasons: str) -> ElasticError:
    """400 `action_request_validation_exception` with every reason numbered."""
    listed = "".join(f"{number}: {reason};" for number, reason in enumerate(reasons, 1))
    return ElasticError(400, "action_request_validation_exception", f"Validation Failed: {listed}")


def index_not_found(name: str, hint: str = "") -> ElasticError:
    """404 `index_not_found_exception` for one name of an expression."""
    fields = {"resource.type": "index_or_alias", "resource.id": name, "index_uuid": "_na_", "index": name}
    return ElasticError(404, "index_not_found_exception", f"no such index [{name}]{hint}", fields=fields)


def index_closed(name: str, uuid: str) -> ElasticError:
    """400 `index_closed_exception`."""
    return ElasticError(400, "index_closed_exception", "closed", fields={"index_uuid": uuid, "index": name})


def invalid_index_name(name: str, why: str) -> ElasticError:
    """400 `invalid_index_name_exception`."""
    fields = {"index_uuid": "_na_", "index": name}
    return ElasticError(400, "invalid_index_name_exception", f"Invalid index name [{name}], {why}", fields=fields)


def aliases_missing(*names: str) -> ElasticError:
    """404 `aliases_not_found_exception`."""
    shown = ",".join(names)
    fields = {"resource.type": "aliases", "resource.id": shown}
    return ElasticError(404, "aliases_not_found_exception", f"aliases [{shown}] missing", fields=fields)


def bad_mapping(reason: str) -> ElasticError:
    """A fault of one field's mapping; `unparsable` wraps it for the answer."""
    return ElasticError(400, "mapper_parsing_exception", reason)


def unparsable(cause: ElasticError) -> ElasticError:
    """400 `mapper_parsing_exception` of a whole mapping, as MapperService words it."""
    return ElasticError(400, "mapper_parsing_exception", f"Failed to parse mapping: {cause.reason}", cause=cause)


def blocked(index: str, block: str) -> ElasticError:
    """403 `cluster_block_exception` of one index."""
    return ElasticError(403, "cluster_block_exception", f"index [{index}] blocked by: [{block}];")


def unsupported(what: str) -> ElasticError:
    """400 for what the embedded cluster, unlike Elasticsearch, does not do."""
    return illegal(f"{what} is not supported by the embedded cluster; run the call against a genuine node")
