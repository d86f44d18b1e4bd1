"""What index templates give to an index of some name: `_index_template/_simulate_index` (7.9 and later) for composable
ones, and `_template` for legacy ones, which apply where no composable one matches.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from proxy.cluster.transport import Transport, quoted
from proxy.destination.legacy import given_aliases, given_mappings, given_settings, matching
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
        simulated, legacy = await asyncio.gather(
            transport.ask("POST", path, credential, timeout_s=PATIENCE_S, safe=True),
            transport.ask("GET", "/_template?flat_settings=true", credential, timeout_s=PATIENCE_S),
        )
        # Only where a composable template matches is there anything in the answer.
        return _composable(simulated["template"]) if "template" in simulated else _legacy(legacy, name)
    except (Refusal, ClusterUnreachable, TypeError, ValueError, AttributeError):
        return None


def _composable(template: Mapping[str, Any]) -> Given:
    settings, mappings, aliases = (_table(template, key) for key in ("settings", "mappings", "aliases"))
    return Given(settings=dict(_flat(settings)), mappings=mappings, aliases=tuple(sorted(aliases)))


def _legacy(templates: Mapping[str, Any], name: str) -> Given:
    found = matching(templates, name)
    for one in found:
        for key in ("settings", "mappings", "aliases"):
            _table(one, key)
    return Given(
        settings=given_settings(found), mappings=given_mappings(found), aliases=given_aliases(found), legacy=bool(found)
    )


def _table(template: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Raises TypeError where it is none."""
    held = template.get(key, {})
    if not isinstance(held, Mapping):
        raise TypeError(f"{key} of a template is not an object")
    return held


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings by their dotted keys, as they are asked for everywhere else."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{below}", item) for below, item in _flat(value))
        else:
            yield key, value
