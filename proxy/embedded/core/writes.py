"""Writing one document: versions, sequence numbers, conflicts, dynamic mapping and the blocks of an index."""

from dataclasses import dataclass
from typing import Any

from proxy.embedded.core import document, index_creation
from proxy.embedded.core.failure import ElasticError, blocked, illegal, index_closed, parse_failure
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.resolve import writable
from proxy.embedded.core.store import Document, Index, Store

MAX_ID_BYTES = 512
_WRITE_BLOCKS = {
    "index.blocks.write": "FORBIDDEN/8/index write (api)",
    "index.blocks.read_only": "FORBIDDEN/5/index read-only (api)",
    "index.blocks.read_only_allow_delete": "TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has "
    "read-only-allow-delete block",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a write demands of the document that is there: absence, or a sequence number and primary term."""

    create: bool = False
    seq_no: int | None = None
    primary_term: int | None = None
    version: int | None = None  # an external version; the stored one must be lower


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write did: `result` is created, updated, deleted, not_found or noop."""

    index: Index
    id: str
    version: int
    seq_no: int
    result: str
    status: int

    def body(self, *, forced_refresh: bool = False) -> dict[str, Any]:
        """The answer of a single write."""
        noop = self.result == "noop"
        shards = {"total": 0 if noop else 1 + self.index.replicas, "successful": 0 if noop else 1, "failed": 0}
        refreshed = {"forced_refresh": True} if forced_refresh and not noop else {}
        return {
            "_index": self.index.name,
            "_id": self.id,
            "_version": self.version,
            "result": self.result,
            **refreshed,
            "_shards": shards,
            "_seq_no": self.seq_no,
            "_primary_term": 1,
        }


NO_GUARD = Guard()


def target(store: Store, name: str) -> Index:
    """The index that a write goes to, made where it is missing. Raises ElasticError 400 for a name that cannot be."""
    found = writable(store, name)
    return index_creation.create(store, name, {}) if found is None else found


def check_writable(index: Index) -> None:
    """Raise ElasticError where the index is closed or a block forbids writing."""
    if index.closed:
        raise index_closed(index.name, index.uuid)
    for setting, block in _WRITE_BLOCKS.items():
        if index.settings.get(setting) == "true":
            fault = blocked(index.name, block)
            fault.status = 429 if block.startswith("TOO_MANY") else 403
            raise fault


def put(
    store: Store,
    index: Index,
    id: str | None,
    source: Json,
    text: str,
    *,
    routing: str | None = None,
    guard: Guard = NO_GUARD,
) -> Written:
    """Index or create one document; `text` is its JSON. Raises ElasticError as Elasticsearch answers."""
    check_writable(index)
    id = store.document_id() if id is None else id
    check_id(index, id, routing)
    known = index.documents.get(id)
    _check_guard(index, id, known, guard)
    if not isinstance(source, dict):
        raise parse_failure("Expected a JSON object")
    limit = index.setting("index.mapping.total_fields.limit", 1000)
    parsed = document.parse(index.mapping, id, source, text, limit)
    if parsed.adds_fields:
        index.mapping = index.mapping.merged(parsed.added, index.settings)
    version = _next_version(index, id, known) if guard.version is None else guard.version
    seq_no = index.take_seq_no()
    index.documents[id] = Document(id, source, parsed.values, seq_no, version, routing, tuple(sorted(parsed.ignored)))
    index.deleted.pop(id, None)
    created = known is None
    result, status = ("created", 201) if created else ("updated", 200)
    return Written(index=index, id=id, version=version, seq_no=seq_no, result=result, status=status)


def delete(index: Index, id: str, *, routing: str | None = None, guard: Guard = NO_GUARD) -> Written:
    """Delete one document; a missing one is `not_found`, which also takes a sequence number."""
    check_writable(index)
    check_id(index, id, routing)
    known = index.documents.get(id)
    _check_guard(index, id, known, guard)
    version = _next_version(index, id, known)
    index.documents.pop(id, None)
    index.deleted[id] = version
    result, status = ("not_found", 404) if known is None else ("deleted", 200)
    return Written(index=index, id=id, version=version, seq_no=index.take_seq_no(), result=result, status=status)


def update(store: Store, index: Index, id: str, body: dict[str, Any], *, routing: str | None = None) -> Written:
    """A partial update: `doc` merged in, `upsert` or `doc_as_upsert` where the document is missing."""
    check_writable(index)
    if "script" in body:
        raise illegal("script_lang not supported [painless]")
    if not isinstance(body.get("doc", {}), dict) or not body.keys() & {"doc", "upsert"}:
        raise ElasticError(
            400, "action_request_validation_exception", "Validation Failed: 1: script or doc is missing;"
        )
    known = index.documents.get(id)
    if known is None:
        return _upsert(store, index, id, body, routing)
    merged = _merged(known.source, body.get("doc", {}))
    if merged == known.source and body.get("detect_noop", True):
        return Written(index=index, id=id, version=known.version, seq_no=known.seq_no, result="noop", status=200)
    return put(store, index, id, merged, "", routing=routing or known.routing)


def check_id(index: Index, id: str, routing: str | None) -> None:
    """Raise ElasticError for an id that no document may have, or for routing that the mapping requires."""
    length = len(id.encode())
    if length > MAX_ID_BYTES:
        raise ElasticError(
            400,
            "action_request_validation_exception",
            f"Validation Failed: 1: id [{id}] is too long, must be no longer than {MAX_ID_BYTES} bytes but was: "
            f"{length};",
        )
    if routing is None and index.mapping.root.get("_routing", {}).get("required"):
        fields = {"index_uuid": "_na_", "index": index.name}
        reason = f"routing is required for [{index.name}]/[{id}]"
        raise ElasticError(400, "routing_missing_exception", reason, fields=fields)


def missing(index: Index, id: str) -> ElasticError:
    """404 `document_missing_exception`."""
    return _shard_fault(index, 404, "document_missing_exception", f"[{id}]: document missing")


def _upsert(store: Store, index: Index, id: str, body: dict[str, Any], routing: str | None) -> Written:
    source = body.get("doc") if body.get("doc_as_upsert") else body.get("upsert")
    if source is None:
        raise missing(index, id)
    return put(store, index, id, source, "", routing=routing)


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _next_version(index: Index, id: str, known: Document | None) -> int:
    return known.version + 1 if known is not None else index.deleted.get(id, 0) + 1


def _check_guard(index: Index, id: str, known: Document | None, guard: Guard) -> None:
    if guard.create and known is not None:
        raise _conflict(index, f"[{id}]: version conflict, document already exists (current version [{known.version}])")
    if guard.seq_no is not None and (known is None or known.seq_no != guard.seq_no or guard.primary_term != 1):
        there = (
            "but no document was found"
            if known is None
            else f"current document has seqNo [{known.seq_no}] and primary term [1]"
        )
        raise _conflict(
            index,
            f"[{id}]: version conflict, required seqNo [{guard.seq_no}], primary term [{guard.primary_term}]. {there}",
        )
    if guard.version is not None and known is not None and known.version >= guard.version:
        raise _conflict(
            index,
            f"[{id}]: version conflict, current version [{known.version}] is higher or equal to the one provided "
            f"[{guard.version}]",
        )


def _conflict(index: Index, reason: str) -> ElasticError:
    return _shard_fault(index, 409, "version_conflict_engine_exception", reason)


def _shard_fault(index: Index, status: int, type: str, reason: str) -> ElasticError:
    return ElasticError(status, type, reason, fields={"index_uuid": index.uuid, "shard": "0", "index": index.name})
