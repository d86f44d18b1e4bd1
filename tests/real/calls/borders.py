"""Calls at the borders of what a node takes: sizes, escapes, encodings, repeated headers, and absent modules."""

import gzip
import json

import cbor2

from tests.real.calls.raw import JSON, NDJSON, SEARCH, SMILE_EMPTY, Call, get, lines, post, write

GZIP = ("Content-Encoding", "gzip")
CBOR = ("Content-Type", "application/cbor")
SMILE = ("Content-Type", "application/smile")
WANTS_GZIP = ("Accept-Encoding", "gzip")
# What a node finds out by a clock, or makes up.
INDEX_UUID = r'"index_uuid":"[^"]*"'

_DOCUMENTS = lines({"index": {"_id": "g"}}, {"pages": 1}, {"create": {"_id": "1"}}, {}, {"delete": {"_id": "2"}})
_BULK = "/shelf/_bulk?refresh=true&filter_path=errors,items"


def zipped(data: bytes) -> bytes:
    """`data` in gzip, always the same."""
    return gzip.compress(data, mtime=0)


def cbor_lines(*values: object) -> bytes:
    """CBOR values with Elasticsearch's separator for them, 0xff, behind each."""
    return b"".join(cbor2.dumps(value) + b"\xff" for value in values)


BINARY = (
    Call("search in gzipped CBOR", "POST", SEARCH, (CBOR, GZIP, WANTS_GZIP), zipped(cbor2.dumps({"size": 24}))),
    Call("search in CBOR, answered in SMILE", "POST", SEARCH, (CBOR, ("Accept", "application/smile")), cbor2.dumps({})),
    Call("search in SMILE, answered in CBOR", "POST", SEARCH, (SMILE, ("Accept", "application/cbor")), SMILE_EMPTY),
    Call(
        "search in SMILE chunks", "POST", SEARCH, (SMILE,), chunks=(SMILE_EMPTY[:1], SMILE_EMPTY[1:3], SMILE_EMPTY[3:])
    ),
    Call("CBOR that is cut", "POST", SEARCH, (CBOR,), b"\xbf\x64size"),
    Call("CBOR that is none", "POST", SEARCH, (CBOR,), b"\x00\xff\x00\xff"),
    Call("bulk in CBOR", "POST", _BULK, (CBOR,), cbor_lines({"index": {"_id": "c"}}, {"pages": 1}), writes=True),
    Call(
        "bulk in gzip",
        "POST",
        _BULK,
        (NDJSON, GZIP),
        zipped(_DOCUMENTS),
        writes=True,
        volatile=(INDEX_UUID,),
    ),
    Call(
        "bulk in gzip, byte by byte",
        "POST",
        _BULK,
        (NDJSON, GZIP),
        chunks=tuple(bytes([byte]) for byte in zipped(_DOCUMENTS)),
        writes=True,
        volatile=(INDEX_UUID,),
    ),
    Call("body that is no gzip", "POST", SEARCH, (JSON, GZIP), b'{"size":1}'),
    Call("gzip that is cut", "POST", SEARCH, (JSON, GZIP), zipped(b'{"size":1}')[:-9]),
    Call("two gzip members", "POST", SEARCH, (JSON, GZIP), zipped(b'{"size"') + zipped(b":1}")),
    Call("body in Brotli, unknown to nodes", "POST", SEARCH, (JSON, ("Content-Encoding", "br")), b"\x0b\x02\x80{}\x03"),
    get("a quarter megabyte in gzip", "/books/_source/23", WANTS_GZIP),
    Call("a quarter megabyte by HEAD", "HEAD", "/books/_source/23"),
)

SEARCHES = (
    Call(
        "multi search in chunks",
        "POST",
        "/_msearch?filter_path=responses.hits.total,responses.status,responses.error.type",
        (NDJSON,),
        chunks=(b'{"index":"books"}\n', b'{"size":1}\n{"index"', b':"missing"}\n{}\n'),
    ),
    Call(
        "multi search template", "POST", "/_msearch/template", (NDJSON,), lines({"index": "books"}, {"source": "{}"}),
    ),
    Call("multi search without an end", "POST", "/_msearch", (NDJSON,), b'{"index":"books"}\n{"size":1}'),
    get("search that scrolls", "/books/_search?scroll=1m&size=2&sort=pages&filter_path=hits.hits._id"),
    post("scroll of nothing", "/_search/scroll", {"scroll_id": "bm9uZQ=="}),
    Call("clear no scroll", "DELETE", "/_search/scroll", (JSON,), json.dumps({"scroll_id": "bm9uZQ=="}).encode()),
    post("point in time of nothing", "/_search?filter_path=-took", {"pit": {"id": "bm9uZQ=="}}),
    post("point in time without time", "/books/_pit", {}),
    get("nested filter path", "/books/_search?filter_path=hits.hits._source.title,-hits.hits._score,hits.total.*"),
    get("filter path of nothing", "/books?filter_path=nothing.at.all"),
    get("filter path with escapes", "/books?filter_path=%2A%2A.title%2C-%2A%2A.fields"),
)  # fmt: skip

DATE_MATH = tuple(
    get(f"date math, {name}", f"{target}?ignore_unavailable=true&filter_path=-took")
    for name, target in {
        "escaped": "/%3Cbooks-%7Bnow%2Fd%7D%3E/_search",
        "raw": "/<books-{now}>/_search",
        "raw but for the slash": "/<books-{now%2FM}>/_search",
        "with a format": "/%3Cbooks-%7Bnow%2FM%7Byyyy.MM%7D%7D%3E/_search",
        "with a zone": "/%3Cbooks-%7Bnow%2Fd%7Byyyy.MM.dd%7C%2B12%3A00%7D%7D%3E/_search",
        "two names": "/%3Cbooks-%7Bnow%2Fd-1d%7D%3E,books/_search",
        "broken": "/%3Cbooks-%7Bnow%2F%7D%3E/_search",
        "as an alias": "/_alias/%3Clibrary-%7Bnow%2Fy%7D%3E",
    }.items()
)

REPEATED = (
    get("two Accept headers", "/books/_mapping", ("Accept", "application/yaml"), ("Accept", "application/json")),
    get("list in Accept", "/books/_mapping", ("Accept", "application/yaml, application/json;q=0.5")),
    Call("two types", "POST", SEARCH, (JSON, ("content-type", "application/yaml")), b"{}"),
    Call("type with a charset", "POST", SEARCH, (("Content-Type", "application/json; charset=UTF-8"),), b"{}"),
    get("two encodings wanted", "/books/_mapping", ("Accept-Encoding", "gzip"), ("Accept-Encoding", "deflate")),
    get("encoding by weight", "/books/_mapping", ("Accept-Encoding", "gzip;q=0.1, deflate;q=0.9, *;q=0")),
    get("two trace parents", "/", ("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"), ("traceparent", "x")),
    get(
        "echo of repeated names",
        "/_oracle/echo/x",
        *((name, str(at)) for at, name in enumerate(["X-R", "x-r", "X-r"] * 3)),
    ),
    get("echo of an empty value between two", "/_oracle/echo/x", ("X-R", "a"), ("X-R", ""), ("X-R", "b")),
    get("echo of commas and quotes", "/_oracle/echo/x", ("X-R", 'a, "b, c"; d=e'), ("X-S", "\t spaced \t out \t")),
    get("echo of every visible byte", "/_oracle/echo/x", ("X-R", "".join(chr(byte) for byte in range(0x21, 0x7F)))),
)

WARNED = (
    write("a warning", "PUT", "/_template/old-1", {"index_patterns": ["shelf-old*"], "order": 1}),
    write("a warning with quotes", "PUT", "/shelf-made", {"settings": {"index.max_adjacency_matrix_filters": 7}}),
    get(
        "deprecated search type",
        SEARCH + "&search_type=dfs_query_then_fetch&rest_total_hits_as_int",
    ),
    get("deprecated parameter", "/_cat/indices?local=true&h=index&s=index"),
)

# No module of x-pack is published, nor are those for reindexing and scripts: what a bare node says of them must pass.
ABSENT = tuple(
    Call(f"absent here: {method} {target}", method, target, (JSON,) if sent else (), sent)
    for method, target, sent in (
        ("POST", "/books/_async_search?wait_for_completion_timeout=1ms", b"{}"),
        ("GET", "/_async_search/id", b""),
        ("DELETE", "/_async_search/id", b""),
        ("POST", "/_sql?format=txt", b'{"query":"SELECT 1"}'),
        ("POST", "/books/_eql/search", b"{}"),
        ("POST", "/_reindex", b'{"source":{"index":"books"},"dest":{"index":"shelf"}}'),
        ("GET", "/_xpack", b""),
        ("POST", "/_security/api_key", b"{}"),
        ("PUT", "/_ml/data_frame/analytics/x", b"{}"),
        ("POST", "/_ml/data_frame/analytics/x/_stop", b""),
        ("GET", "/_ml/data_frame/analytics/x/_stats", b""),
    )
)

BORDERS = (*BINARY, *SEARCHES, *DATE_MATH, *REPEATED, *WARNED, *ABSENT)


def escapes() -> tuple[Call, ...]:
    """Every percent escape in both cases, and every byte that may stand raw, as an id and in a query."""
    spelled = [f"%{byte:02x}" for byte in range(256)]
    spelled += sorted({escape.upper() for escape in spelled} - set(spelled))
    spelled += [chr(byte) for byte in range(0x21, 0x7F) if chr(byte) not in "/?#"]
    calls = [get(f"id {text}", f"/_oracle/echo/a{text}b") for text in spelled]
    return (*calls, *(get(f"query {text}", f"/_oracle/echo/x?q=a{text}b&r") for text in spelled))


def sizes() -> tuple[Call, ...]:
    """Around the limits of a node: 4 KiB a request line, 8 KiB of headers in 7.17 and 16 KiB later; many headers."""
    long_lines = [get(f"a line with {size}", "/_oracle/echo/x?q=" + "a" * size) for size in range(4050, 4070)]
    steps = [*range(7900, 8200, 20), *range(16_200, 16_400, 20)]
    heads = [get(f"a header of {size}", "/_oracle/echo/x", ("X-Long", "b" * size)) for size in steps]
    many = [get(f"{count} headers", "/", *(("X-N", "1") for _ in range(count))) for count in (10, 100, 500, 900)]
    return (*long_lines, *heads, *many)
