"""What names stand for: `_resolve/index` (7.9 and later) for the sources, `_alias` for the destination."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

from proxy.cluster.expressions import included, pieces
from proxy.cluster.indices import names
from proxy.cluster.transport import Transport, quoted, refusal_of
from proxy.errors import ClusterUnreachable, Refusal
from proxy.model import Credential
from proxy.rules import SourceName, Target, Unknown

T = TypeVar("T")
# A job may have thousands of source expressions, and this stands in an answer.
NAMES_TOLD = 5


async def resolution(
    transport: Transport, expressions: Sequence[str], destination: str, credential: Credential
) -> tuple[tuple[SourceName, ...] | Unknown, Target | Unknown]:
    """What the names of a job stand for, asked at the same time: of its source expressions the concrete indices, by
    name, each with what leads to it (open ones under a wildcard, all behind an alias or a data stream); of its
    destination the index that is there, or would be written to behind an alias.

    Each of the two is Unknown by itself where it cannot be asked about, or the cluster would not tell.

    Raises:
        ClusterUnreachable: no usable answer.
    """
    return await asyncio.gather(
        _told(_sources(transport, expressions, credential), expressions, credential),
        _told(_target(transport, destination, credential), (destination,), credential),
    )


async def _told(question: Awaitable[T], names: Sequence[str], credential: Credential) -> T | Unknown:
    try:
        return await question
    except Refusal as refusal:
        if (refusal.status, refusal.type) != (403, "security_exception"):
            return Unknown(refusal.reason)
        # It suffices for every call here; `_resolve/index` takes `read`, too. The cluster's own text names an inner
        # action, and every role of the user.
        more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
        of = f"[{','.join(names[:NAMES_TOLD])}]{more}"
        return Unknown(f"the {credential.whose} may not look it up, for want of [view_index_metadata] on {of}")


async def _sources(transport: Transport, expressions: Sequence[str], credential: Credential) -> tuple[SourceName, ...]:
    """`_resolve/index` keeps the names of aliases until the end, where a search has put their indices in their place:
    an exclusion takes more away there than from what is searched, or less. So it is asked without exclusions, and what
    they leave is asked of a call that resolves as a search does. See docs/decisions/065-what-exclusions-leave.md.
    """
    if not expressions or any(not one or "," in one for one in expressions):
        raise Refusal(400, "illegal_argument_exception", "list indices one by one, without commas")
    kept = included(expressions)
    if len(kept) == len(expressions):
        found = await _leading(transport, kept, credential)
    else:
        found, left = await asyncio.gather(
            _leading(transport, kept, credential), names(transport, expressions, credential)
        )
        found = {name: found.get(name, SourceName(name=name)) for name in left}
    return tuple(found[name] for name in sorted(found))


async def _leading(transport: Transport, expressions: Sequence[str], credential: Credential) -> dict[str, SourceName]:
    found: dict[str, SourceName] = {}
    for piece in pieces(expressions):
        for request in piece.requests:
            # `_all` 7.17 passes over, as if nothing were there.
            asked = ("*" if one == "_all" else one for one in request)
            content = await transport.ask("GET", f"/_resolve/index/{quoted(','.join(asked))}", credential)
            try:
                found |= _concrete(content, found)
            except (KeyError, TypeError, AttributeError) as failure:
                raise ClusterUnreachable(f"GET /_resolve/index: the answer lacks {failure}") from failure
    return found


def _concrete(content: Mapping[str, Any], before: Mapping[str, SourceName]) -> dict[str, SourceName]:
    streams = {name: one["name"] for one in content["data_streams"] for name in _listed(one["backing_indices"])}
    aliases: dict[str, list[str]] = {name: [] for name in streams}
    for one in content["indices"]:
        aliases.setdefault(one["name"], []).extend(_listed(one.get("aliases", ())))
        if one.get("data_stream") is not None:
            streams[one["name"]] = one["data_stream"]
    for one in content["aliases"]:
        for name in _listed(one["indices"]):
            aliases.setdefault(name, []).append(one["name"])
    known = {name: (one.aliases, one.data_stream) for name, one in before.items()}
    return {
        name: SourceName(
            name=name,
            data_stream=streams.get(name, known.get(name, ((), None))[1]),
            aliases=tuple(sorted({*leading, *known.get(name, ((), None))[0]})),
        )
        for name, leading in aliases.items()
    }


def _listed(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


async def _target(transport: Transport, destination: str, credential: Credential) -> Target:
    """Where an alias stands for several indices and none is its write index, the first by name stands for all."""
    reply = await transport.call("GET", f"/{quoted(destination)}/_alias", credential)
    if reply.status == 404:
        return Target()
    if not reply.good:
        raise refusal_of(reply)
    try:
        given = {name: body["aliases"] for name, body in reply.content.items()}
        written = min(given, key=lambda name: (not _is_written(given[name], destination), name), default=None)
        return Target() if written is None else Target(name=written, aliases=tuple(sorted(given[written])))
    except (KeyError, TypeError, AttributeError) as failure:
        raise ClusterUnreachable(f"GET /{destination}/_alias: the answer lacks {failure}") from failure


def _is_written(aliases: Mapping[str, Any], alias: str) -> bool:
    return (aliases.get(alias) or {}).get("is_write_index") is True
