"""What a call to Elasticsearch is called: the endpoint identifiers and path parameters of its own API specification.

OpenTelemetry's conventions for Elasticsearch name spans so (`db.operation.name`): paths hold names, and would make a
span name for each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

_JOBS = "_ml/data_frame/analytics"
# Endpoint → method and path. Of several that fit, the first counts: literals before names.
OPERATIONS: tuple[tuple[str, str, str], ...] = (
    ("info", "GET", ""),
    ("security.authenticate", "GET", "_security/_authenticate"),
    ("security.has_privileges", "POST", "_security/user/_has_privileges"),
    ("security.get_role", "GET", "_security/role/{name}"),
    ("security.get_api_key", "GET", "_security/api_key"),
    ("security.get_service_accounts", "GET", "_security/service/{namespace}/{service}"),
    ("ml.get_data_frame_analytics_stats", "GET", f"{_JOBS}/_stats"),
    ("ml.get_data_frame_analytics", "GET", _JOBS),
    ("ml.get_data_frame_analytics_stats", "GET", f"{_JOBS}/{{id}}/_stats"),
    ("ml.start_data_frame_analytics", "POST", f"{_JOBS}/{{id}}/_start"),
    ("ml.stop_data_frame_analytics", "POST", f"{_JOBS}/{{id}}/_stop"),
    ("ml.get_data_frame_analytics", "GET", f"{_JOBS}/{{id}}"),
    ("indices.resolve_index", "GET", "_resolve/index/{name}"),
    ("indices.simulate_index_template", "POST", "_index_template/_simulate_index/{name}"),
    ("indices.get_index_template", "GET", "_index_template"),
    ("indices.get_template", "GET", "_template"),
    ("indices.get_mapping", "GET", "{index}/_mapping"),
    ("indices.get_settings", "GET", "{index}/_settings/{name}"),
    ("indices.put_settings", "PUT", "{index}/_settings"),
    ("indices.add_block", "PUT", "{index}/_block/{block}"),
    ("indices.get_alias", "GET", "{index}/_alias"),
    ("indices.stats", "GET", "{index}/_stats/{metric}"),
    ("count", "GET", "{index}/_count"),
    ("indices.get", "GET", "{index}"),
    ("indices.create", "PUT", "{index}"),
    ("indices.delete", "DELETE", "{index}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An endpoint, and what stands in its path. `looks`: it only asks whether something is there."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()
    looks: bool = False

    @property
    def index(self) -> str:
        """The index or indices that are asked about, joined by commas; empty for none."""
        return dict(self.parameters).get("index", "")


def operation_of(method: str, target: str) -> Operation:
    """The operation of a call; its name is the method where the table has none."""
    looks = method in {"GET", "HEAD"}
    segments = target.partition("?")[0].strip("/").split("/")
    for name, wanted, path in OPERATIONS:
        template = path.split("/")
        if wanted == method and len(template) == len(segments) and _fits(template, segments):
            return Operation(name=name, parameters=tuple(_parameters(template, segments)), looks=looks)
    return Operation(name=method, looks=looks)


def _fits(template: list[str], segments: list[str]) -> bool:
    return all(
        piece == segment or (piece.startswith("{") and not segment.startswith("_") and segment != "")
        for piece, segment in zip(template, segments, strict=True)
    )


def _parameters(template: list[str], segments: list[str]) -> Iterator[tuple[str, str]]:
    for piece, segment in zip(template, segments, strict=True):
        if piece.startswith("{"):
            yield piece.strip("{}"), unquote(segment)
