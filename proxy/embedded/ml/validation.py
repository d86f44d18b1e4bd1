"""Source against destination (`SourceDestValidator`, as data frame analytics use it)."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.embedded.core.texts import matches
from proxy.embedded.failure import Failure
from proxy.embedded.ml.indices import Indices


async def validate_source_and_destination(indices: Indices, sources: Sequence[str], destination: str) -> None:
    """Raise `Failure` 400 `validation_exception` with all that is wrong. Run at PUT and again at every start."""
    local = [name for name in sources if ":" not in name]
    concrete, missing = await _resolve_sources(indices, local)
    messages = [f"no such index [{name}]" for name in missing]
    included = _included_by_name(local, concrete, destination)
    if not included:  # else nobody looks for what the destination leads to
        targets, fault = await _resolve_destination(indices, destination)
        if fault is not None:
            raise _invalid([*messages, fault])
        included = _included_behind(concrete, targets)
    messages += included
    if len(local) < len(sources):
        messages.append("remote source indices are not supported")
    if messages:
        raise _invalid(messages)


def _invalid(messages: Sequence[str]) -> Failure:
    numbered = "".join(f"{number}: {message};" for number, message in enumerate(messages, 1))
    return Failure(400, "validation_exception", f"Validation Failed: {numbered}")


async def _resolve_sources(indices: Indices, sources: Sequence[str]) -> tuple[set[str], list[str]]:
    """The concrete indices of all sources, and explicit names that are not there. Closed ones raise `Failure`."""
    concrete: set[str] = set()
    missing: list[str] = []
    for name in sources:
        try:
            found = await indices.resolve([name])
        except Failure as failure:
            if failure.status != 404:
                raise
            missing.append(name)
            continue
        names = _concrete(found)
        # A pattern that matches nothing is no error: indices may yet come.
        if not names and "*" not in name and name != "_all":
            missing.append(name)
        _refuse_closed(found, name)
        concrete |= names
    return concrete, missing


def _refuse_closed(found: Mapping[str, Any], name: str) -> None:
    for index in found.get("indices", ()):
        if index["name"] == name and "closed" in index.get("attributes", ()):
            raise Failure(400, "index_closed_exception", "closed", extra={"index": name})


def _concrete(found: Mapping[str, Any]) -> set[str]:
    names = {index["name"] for index in found.get("indices", ())}
    for alias in found.get("aliases", ()):
        names |= set(alias.get("indices", ()))
    for stream in found.get("data_streams", ()):
        names |= set(stream.get("backing_indices", ()))
    return names


async def _resolve_destination(indices: Indices, destination: str) -> tuple[set[str], str | None]:
    """The index that is written to, and what is wrong with an alias that has none to write to."""
    try:
        found = await indices.resolve([destination])
    except Failure as failure:
        if failure.status != 404:
            raise
        return set(), None
    for alias in found.get("aliases", ()):
        if alias["name"] == destination:
            return await _write_index(indices, destination)
    return _concrete(found), None


async def _write_index(indices: Indices, alias: str) -> tuple[set[str], str | None]:
    answered = await indices.ask("GET", f"/_alias/{alias}")
    marks = {name: index["aliases"].get(alias, {}).get("is_write_index") for name, index in answered.items()}
    # The only index of an alias takes its writes unless it says no.
    writers = {name for name, mark in marks.items() if mark or (mark is None and len(marks) == 1)}
    if writers:
        return writers, None
    return set(), (
        f"no write index is defined for alias [{alias}]. The write index may be explicitly disabled using"
        " is_write_index=false or the alias points to multiple indices without one being designated as a write index"
    )


def _included_by_name(sources: Sequence[str], concrete: set[str], destination: str) -> list[str]:
    # The words first, whether or not the destination exists yet; then what they stand for.
    textual = [source for source in sources if matches(source, destination)]
    if textual:
        return [f"Destination index [{destination}] is included in source expression [{source}]" for source in textual]
    if destination in concrete:
        return [f"Destination index [{destination}] is included in source expression [{','.join(sources)}]"]
    return []


def _included_behind(concrete: set[str], targets: set[str]) -> list[str]:
    # Behind an alias: Elasticsearch lists what the sources stand for, not their expressions.
    both, expression = sorted(targets & concrete), ",".join(sorted(concrete))
    return [f"Destination index [{name}] is included in source expression [{expression}]" for name in both]
