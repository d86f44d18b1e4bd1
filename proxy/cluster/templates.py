"""What index templates give to an index of some name: `_index_template/_simulate_index` (7.9 and later).

Composable templates alone: legacy ones (`_template`) are not told of by the cluster there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.cluster.transport import Transport, quoted
from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.ports import Given
from proxy.model import Credential

# To know is good, to start is better: what takes longer counts as not known.
PATIENCE_S = 5.0


async def given(transport: Transport, name: str, credential: Credential) -> Given | None:
    """What an index of this name is given; None where this credential may not know, or the cluster does not tell.

    Nothing is made. Raises nothing: what is not known must not hold up a start.
    """
    path = f"/_index_template/_simulate_index/{quoted(name)}"
    try:
        content = await transport.ask("POST", path, credential, timeout_s=PATIENCE_S, safe=True)
    except (Refusal, ClusterUnreachable):
        return None
    template = content.get("template", {}) if isinstance(content, Mapping) else None
    if not isinstance(template, Mapping):
        return None
    settings, mappings, aliases = (template.get(key, {}) for key in ("settings", "mappings", "aliases"))
    if not all(isinstance(part, Mapping) for part in (settings, mappings, aliases)):
        return None
    return Given(settings=dict(_flat(settings)), mappings=mappings, aliases=tuple(sorted(aliases)))


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings by their dotted keys, as they are asked for everywhere else."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{below}", item) for below, item in _flat(value))
        else:
            yield key, value
