"""What the cluster says of an index before it is created: nothing is made.

`_index_template/_simulate_index` (7.9 and later) takes a template along with the request, and judges its settings and
mappings as it would those of an index. It does not look at what only the whole index shows: `index.sort.*`, for
example.
"""

import asyncio
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from proxy.cluster.transport import Transport, quoted
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.gate.ports import Foretold
from proxy.model import Credential

# Two templates of one priority that match the same index are refused: one that nobody chooses.
PRIORITY = 9_007_199_254_740_881
_INVALID = re.compile(r"index_template \[.*?\] invalid, cause \[Validation Failed: 1: (.*?);(?:2: .*;)?\]", re.DOTALL)
# Of the answer with all templates, what tells those that make data streams only.
_FILTER = ",".join(
    f"index_templates.{key}"
    for key in ("name", *(f"index_template.{part}" for part in ("index_patterns", "priority", "data_stream")))
)


async def foretell(
    transport: Transport, name: str, body: Mapping[str, Any], credential: Credential, *, settings: bool
) -> Foretold:
    """What would be said of creating this index with this body; `settings`: they are to be looked at.

    Raises nothing: what cannot be told is said to be so.
    """
    streams, (problem, why) = await asyncio.gather(
        _data_stream(transport, name, credential), _judged(transport, name, body, credential, asked=settings)
    )
    return Foretold(problem=streams or problem, unchecked=why)


async def _judged(
    transport: Transport, name: str, body: Mapping[str, Any], credential: Credential, *, asked: bool
) -> tuple[Refusal | None, str]:
    """The cluster's refusal of settings or mappings; and why it could not be asked, empty where it could."""
    if not asked:
        return None, ""
    template = {"index_patterns": [name], "priority": PRIORITY, "template": dict(body)}
    path = f"/_index_template/_simulate_index/{quoted(name)}"
    try:
        await transport.ask("POST", path, credential, body=template, safe=True)
    except PassedOn as refusal:
        # Not 400: who asks may not. No error with a type: a cluster before 7.9, where there is no such call.
        if refusal.status != 400 or refusal.type == "exception" or "same priority" in refusal.reason:
            return None, refusal.reason
        return Refusal(400, "illegal_argument_exception", _inner(refusal)), ""
    except ClusterUnreachable as failure:
        return None, str(failure)
    return None, ""


def _inner(refusal: PassedOn) -> str:
    """What the creation of the index would say: the reason at the bottom, without talk of a template."""
    error: Any = refusal.content.get("error")
    while isinstance(error, Mapping) and isinstance(error.get("caused_by"), Mapping):
        error = error["caused_by"]
    reason = str(error.get("reason")) if isinstance(error, Mapping) else refusal.reason
    found = _INVALID.fullmatch(reason)
    return reason if found is None else found[1]


async def _data_stream(transport: Transport, name: str, credential: Credential) -> Refusal | None:
    """The refusal of an index whose name a template keeps for data streams (`MetadataCreateIndexService`)."""
    try:
        content = await transport.ask("GET", f"/_index_template?filter_path={_FILTER}", credential)
        matching = [
            (int(one["index_template"].get("priority", 0)), str(one["name"]), one["index_template"])
            for one in content.get("index_templates", ())
            if any(_matches(pattern, name) for pattern in one["index_template"]["index_patterns"])
        ]
    except (Refusal, ClusterUnreachable, KeyError, TypeError, ValueError, AttributeError):
        return None
    _, template, found = max(matching, key=lambda each: each[:2], default=(0, "", {}))
    if "data_stream" not in found:
        return None
    text = (
        f"cannot create index with name [{name}], because it matches with template [{template}] that creates data "
        "streams only, use create data stream api instead"
    )
    return Refusal(400, "illegal_argument_exception", text)


def _matches(pattern: object, name: str) -> bool:
    """Regex.simpleMatch: `*` is the only wildcard."""
    return fnmatchcase(name, str(pattern).replace("[", "[[]").replace("?", "[?]"))
