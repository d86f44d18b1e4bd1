"""What the cluster needs before records are shipped to it: templates, how long they are kept, and the stream. Pure.

From 8.11 on a data stream looks after itself (data stream lifecycle); before, a policy of index lifecycle management
does. Elasticsearch's names: `ComponentTemplate`, `ComposableIndexTemplate`, `DataStreamLifecycle`.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from proxy.ship.mapping import mapping

# From here on an index template may hold `lifecycle`.
LIFECYCLE_SINCE = (8, 11)
# Above Elastic's own templates, which have 100 to 200 at most, for whoever calls the stream `logs-…`.
_PRIORITY = 500
# Goes up with each change of what is here, so that an operator sees what is installed.
VERSION = 1
_DAYS_TO_ROLLOVER = 30


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the cluster: to be made again without harm."""

    method: str
    path: str
    body: Any = field(default=None)


def calls(stream: str, keep_days: int, version: str) -> tuple[Call, ...]:
    """All that is needed for a data stream of this name, in order. `keep_days` 0: for ever. `version` is the cluster's,
    such as `8.15.3`."""
    modern = _numbers(version) >= LIFECYCLE_SINCE
    policy = () if modern else (Call("PUT", f"/_ilm/policy/{stream}", _policy(keep_days)),)
    return (
        *policy,
        Call("PUT", f"/_component_template/{stream}-mappings", _component({"mappings": mapping()})),
        Call("PUT", f"/_component_template/{stream}-settings", _component({"settings": _settings(stream, modern)})),
        Call("PUT", f"/_index_template/{stream}", _index_template(stream, keep_days, modern)),
        Call("PUT", f"/_data_stream/{stream}"),
    )


def _numbers(version: str) -> tuple[int, int]:
    """Major and minor number; (0, 0) of what is no version."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _component(template: dict[str, Any]) -> dict[str, Any]:
    return {"template": template, "version": VERSION, "_meta": {"managed_by": "startgate"}}


def _settings(stream: str, modern: bool) -> dict[str, Any]:
    index: dict[str, Any] = {
        "number_of_shards": 1,
        # One where there is a second node, none where there is not.
        "auto_expand_replicas": "0-1",
        # A value that does not fit its field is kept and not searched; the record counts more than the field.
        "mapping": {"ignore_malformed": True},
    }
    if not modern:
        index["lifecycle"] = {"name": stream}
    return {"index": index}


def _index_template(stream: str, keep_days: int, modern: bool) -> dict[str, Any]:
    template: dict[str, Any] = {
        "index_patterns": [stream],
        "data_stream": {},
        "composed_of": [f"{stream}-mappings", f"{stream}-settings"],
        "priority": _PRIORITY,
        "version": VERSION,
        "_meta": {"managed_by": "startgate", "description": "The audit record of Startgate."},
    }
    if modern:
        template["template"] = {"lifecycle": {"data_retention": f"{keep_days}d"} if keep_days else {}}
    return template


def _policy(keep_days: int) -> dict[str, Any]:
    phases: dict[str, Any] = {
        "hot": {"actions": {"rollover": {"max_age": f"{_DAYS_TO_ROLLOVER}d", "max_size": "50gb"}}}
    }
    if keep_days:
        # Counted from the rollover: the youngest record of an index is kept that long.
        phases["delete"] = {"min_age": f"{keep_days}d", "actions": {"delete": {}}}
    return {"policy": {"phases": phases}}
