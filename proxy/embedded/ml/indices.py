"""What a job asks of the indices, through whatever view of them it is given."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from proxy.embedded.backend import Backend, Call
from proxy.embedded.core.json_text import Json
from proxy.embedded.failure import Failure, Passed
from proxy.model import SourceIndex

_JSON = (("content-type", "application/json"),)
_LINES = (("content-type", "application/x-ndjson"),)
_STRICT = "expand_wildcards=open&allow_no_indices=true&ignore_unavailable=false"
_LENIENT = "expand_wildcards=open&allow_no_indices=true&ignore_unavailable=true"


def expression(names: Sequence[str]) -> str:
    """Index names as a part of a path."""
    return quote(",".join(names), safe="*,-.<>:_")


class Indices:
    """A backend, asked for values instead of bytes. Every error that it answers is raised as `Failure`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def ask(self, method: str, target: str, body: Json = None) -> Json:
        """One call and the value that came back."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = _JSON if content else ()
        answered = await self._backend.call(Call(method=method, target=target, headers=headers, body=content))
        return _value(answered.status, answered.body)

    async def get(self, name: str) -> Mapping[str, Any] | None:
        """The index (by its concrete name) with mappings and settings, or None if there is none."""
        try:
            found: Mapping[str, Any] = await self.ask("GET", f"/{expression([name])}")
        except Failure as failure:
            if failure.status == 404:
                return None
            raise
        return found

    async def sources(self, names: Sequence[str]) -> tuple[SourceIndex, ...]:
        """Explicitly set settings and mappings of all concrete indices behind the names, by name."""
        mapped = await self.ask("GET", f"/{expression(names)}/_mapping")
        settings = await self.ask("GET", f"/{expression(names)}/_settings?flat_settings=true&{_LENIENT}")
        return tuple(
            SourceIndex(
                name=name,
                settings=settings.get(name, {}).get("settings", {}),
                mappings=found.get("mappings", {}),
            )
            for name, found in sorted(mapped.items())
        )

    async def field_caps(self, names: Sequence[str]) -> dict[str, Any]:
        """Field capabilities by field name, then by type."""
        found = await self.ask("GET", f"/{expression(names)}/_field_caps?fields=*&{_LENIENT}")
        return dict(found["fields"])

    async def search(self, names: Sequence[str], body: Mapping[str, Any]) -> dict[str, Any]:
        """A search; closed and missing explicit names are errors."""
        return dict(await self.ask("POST", f"/{expression(names)}/_search?{_STRICT}", body))

    async def count(self, names: Sequence[str], query: Mapping[str, Any]) -> int:
        """How many documents match."""
        found = await self.ask("POST", f"/{expression(names)}/_count?{_STRICT}", {"query": query})
        return int(found["count"])

    async def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create an index."""
        await self.ask("PUT", f"/{expression([name])}", body)

    async def put_mapping(self, name: str, body: Mapping[str, Any]) -> None:
        """Add to an index's mapping."""
        await self.ask("PUT", f"/{expression([name])}/_mapping", body)

    async def delete(self, name: str) -> None:
        """Delete an index; one that is not there is no error."""
        try:
            await self.ask("DELETE", f"/{expression([name])}")
        except Failure as failure:
            if failure.status != 404:
                raise

    async def refresh(self, name: str) -> None:
        """Make all that was written visible."""
        await self.ask("POST", f"/{expression([name])}/_refresh")

    async def index(self, name: str, documents: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Write documents by id in one bulk request. Raises `Failure` with the first item's error."""
        lines = [
            json.dumps(part) for id_, source in documents for part in ({"index": {"_index": name, "_id": id_}}, source)
        ]
        if not lines:
            return
        body = "\n".join(lines).encode() + b"\n"
        answered = await self._backend.call(Call(method="POST", target="/_bulk", headers=_LINES, body=body))
        found = _value(answered.status, answered.body)
        for item in found["items"] if found.get("errors") else ():
            [result] = item.values()
            if "error" in result:
                raise Passed(result["status"], {"error": result["error"], "status": result["status"]})

    async def resolve(self, names: Sequence[str]) -> dict[str, Any]:
        """`_resolve/index`: indices, aliases and data streams behind the names."""
        return dict(await self.ask("GET", f"/_resolve/index/{expression(names)}?expand_wildcards=open"))


def _value(status: int, body: bytes) -> Json:
    value = json.loads(body) if body else {}
    if status >= 400:
        raise Passed(status, value)
    return value
