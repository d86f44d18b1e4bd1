"""Calls sent as raw bytes: methods, targets, headers, body formats and framings of clients, and their mistakes."""

import gzip
import json
from dataclasses import dataclass

import cbor2

JSON = ("Content-Type", "application/json")
NDJSON = ("Content-Type", "application/x-ndjson")
# `{"query":{"match_all":{}}}` would need a SMILE library; this is `{}` (header `:)\n`, flags, object start and end).
SMILE_EMPTY = b":)\n\x01\xfa\xfb"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `writes`: the shelf is made anew first. `chunks`: the body goes chunked, in these pieces.

    `volatile` are regular expressions for what two equal calls to one node answer differently (timings, generated ids).
    """

    name: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunks: tuple[bytes, ...] = ()
    writes: bool = False
    volatile: tuple[str, ...] = ()
    minor: int = 1

    def request(self) -> bytes:
        """The bytes to send."""
        lines = [f"{self.method} {self.target} HTTP/1.{self.minor}", "Host: es:9200"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.chunks:
            lines.append("Transfer-Encoding: chunked")
            body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in self.chunks) + b"0\r\n\r\n"
        else:
            body = self.body
            if body:
                lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


TOOK = (r'"took":\d+',)
SEARCH = "/books/_search?filter_path=-took"


def body(value: object) -> bytes:
    """A JSON body."""
    return json.dumps(value).encode()


def lines(*values: object) -> bytes:
    """A body of JSON lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def get(name: str, target: str, *headers: tuple[str, str], volatile: tuple[str, ...] = ()) -> Call:
    """A call without a body."""
    return Call(name, "GET", target, headers, volatile=volatile)


def post(name: str, target: str, value: object, *headers: tuple[str, str], volatile: tuple[str, ...] = ()) -> Call:
    """A call with a JSON body that changes nothing."""
    return Call(name, "POST", target, (JSON, *headers), body(value), volatile=volatile)


def write(name: str, method: str, target: str, value: object = None, volatile: tuple[str, ...] = ()) -> Call:
    """A call that changes the shelf."""
    if value is None:
        return Call(name, method, target, writes=True, volatile=volatile)
    return Call(name, method, target, (JSON,), body(value), writes=True, volatile=volatile)


READS = (
    get("info", "/"),
    get("info, pretty", "/?pretty"),
    Call("info by HEAD", "HEAD", "/"),
    get("cluster health", "/_cluster/health?filter_path=status,number_of_nodes"),
    get("cluster settings", "/_cluster/settings?flat_settings&include_defaults=true"),
    get("whole cluster state", "/_cluster/state"),
    get("cat indices", "/_cat/indices?v&h=index,uuid,docs.count,health&s=index"),
    get("cat indices as JSON", "/_cat/indices?format=json&h=index,docs.count&s=index"),
    get("cat aliases", "/_cat/aliases?v"),
    get("cat shards", "/_cat/shards/books?h=index,shard,prirep,state,docs"),
    get("cat count", "/_cat/count/books?h=count"),
    get("cat help", "/_cat/indices?help"),
    get("cat root", "/_cat"),
    get("cat templates", "/_cat/templates?v"),
    get("nodes", "/_nodes/_all/http,plugins"),
    get("index", "/books"),
    get("mapping", "/books/_mapping"),
    get("field mapping", "/books/_mapping/field/ti*"),
    get("settings, flat", "/books/_settings?flat_settings&human"),
    get("aliases", "/_alias/library"),
    get("data stream", "/_data_stream/loans-log"),
    get("index template", "/_index_template/loans"),
    get("resolve index", "/_resolve/index/*"),
    get("field capabilities", "/books/_field_caps?fields=*"),
    get("stats", "/books/_stats/docs,store"),
    get("segments", "/books/_segments?filter_path=indices.*.shards.*.num_search_segments"),
    get("document", "/books/_doc/3"),
    get("document source", "/books/_source/3?_source_includes=title,author"),
    get("document of a quarter megabyte", "/books/_doc/23"),
    Call("document by HEAD", "HEAD", "/books/_doc/3"),
    Call("index by HEAD", "HEAD", "/books"),
    Call("alias by HEAD", "HEAD", "/_alias/library"),
    get("search", "/books/_search", volatile=TOOK),
    get("search, everything", SEARCH + "&size=24&sort=pages"),
    get("search by query string", SEARCH + "&q=title:red&_source=title"),
    get("search with a plus and escapes", SEARCH + "&q=author%3A%22Zo%C3%AB%22+AND+pages%3A%5B100+TO+200%5D"),
    get("search with raw UTF-8", SEARCH + "&q=author:Zoë"),
    get("count", "/books/_count?q=author:Ada"),
    get("validate", "/books/_validate/query?explain&q=pages:[1"),
    get("explain", "/books/_explain/3?q=title:red"),
    get("term vectors", "/books/_termvectors/3?fields=title&filter_path=-took"),
    get("cluster allocation of nothing", "/_cluster/allocation/explain"),
    get("pending tasks", "/_cluster/pending_tasks"),
    get("recovery of nothing", "/empty-books/_recovery?active_only"),
    get("date math name", "/%3Cbooks-%7Bnow%2Fd%7D%3E/_search?ignore_unavailable=true&filter_path=-took"),
    get("wildcards and exclusions", "/b*,-empty*/_search?size=0&filter_path=-took"),
    get("double slash in a document id", "/books/_doc/a%2F%2Fb"),
    get("trailing slash", "/books/_mapping/"),
    get("escaped literal", "/books/%5Fmapping"),
    get("id with escapes", "/books/_doc/%C3%A9%20%2B+%25"),
)

BODIES = (
    post(
        "search with a body", SEARCH, {"query": {"range": {"pages": {"gte": 150}}}, "sort": ["pages"], "_source": False}
    ),
    post("search, aggregations", SEARCH, {"size": 0, "aggs": {"by": {"terms": {"field": "author"}}}}),
    post("search, highlight", SEARCH, {"query": {"match": {"title": "red"}}, "highlight": {"fields": {"title": {}}}}),
    post("search, script field", SEARCH, {"docvalue_fields": ["pages", "published"], "_source": False, "size": 2}),
    post("multi get", "/books/_mget", {"ids": ["1", "2", "none"]}),
    post("analyze", "/_analyze", {"analyzer": "standard", "text": "Ünïcode and plain"}),
    post("analyze by index", "/books/_analyze", {"field": "title", "text": "a Red b"}),
    post("simulate index", "/_index_template/_simulate_index/loans-log-2?filter_path=template.settings", {}),
    post(
        "field capabilities filtered", "/books/_field_caps?fields=*", {"index_filter": {"range": {"pages": {"gte": 1}}}}
    ),
    post("rank of nothing", "/books/_search", {"query": {"nonsense": {}}}),
    Call(
        "multi search",
        "POST",
        "/_msearch?filter_path=-took,-responses.took",
        (NDJSON,),
        lines({"index": "books"}, {"size": 1}, {"index": "missing"}, {}),
    ),
    Call("GET with a body", "GET", SEARCH, (JSON,), body({"size": 1})),
    Call("body as chunks", "POST", SEARCH, (JSON,), chunks=(b'{"size"', b":", b"1}")),
    Call("body in gzip", "POST", SEARCH, (JSON, ("Content-Encoding", "gzip")), gzip.compress(b'{"size":1}', mtime=0)),
    Call("body in CBOR", "POST", SEARCH, (("Content-Type", "application/cbor"),), cbor2.dumps({"size": 1})),
    Call("body in SMILE", "POST", SEARCH + "&size=1", (("Content-Type", "application/smile"),), SMILE_EMPTY),
    Call("body in YAML", "POST", SEARCH, (("Content-Type", "application/yaml"),), b"---\nsize: 1\n"),
    Call("body without a type", "POST", SEARCH, (), b"{}"),
    Call("body as text", "POST", SEARCH, (("Content-Type", "text/plain"),), b"{}"),
    Call("body that is cut", "POST", SEARCH, (JSON,), b'{"size"'),
    Call("body that is empty", "POST", SEARCH, (JSON, ("Content-Length", "0"))),
    Call("body of 2 MB", "POST", SEARCH, (JSON,), b'{"size":1' + b" " * 2_000_000 + b"}"),
    Call("expect 100", "POST", SEARCH, (JSON, ("Expect", "100-continue")), b'{"size":1}'),
    Call("source in the query", "GET", SEARCH + "&source=%7B%22size%22%3A1%7D&source_content_type=application/json"),
)

HEADERS = (
    get("answer in gzip", "/books/_doc/23", ("Accept-Encoding", "gzip, deflate")),
    get("answer in gzip, small", "/", ("Accept-Encoding", "gzip")),
    get("answer in deflate", "/books/_mapping", ("Accept-Encoding", "deflate")),
    Call("answer in gzip by HEAD", "HEAD", "/books/_doc/23", (("Accept-Encoding", "gzip"),)),
    get("answer in YAML", "/books/_mapping?format=yaml"),
    get("answer in YAML by header", "/books/_mapping", ("Accept", "application/yaml")),
    get("answer in CBOR", "/books/_mapping", ("Accept", "application/cbor")),
    get("answer in SMILE", "/books/_mapping", ("Accept", "application/smile")),
    get("answer for version 7", "/books/_mapping", ("Accept", "application/vnd.elasticsearch+json;compatible-with=7")),
    get("answer for version 8", "/books/_mapping", ("Accept", "application/vnd.elasticsearch+json;compatible-with=8")),
    get("answer of an unknown type", "/books/_mapping", ("Accept", "image/png")),
    get("cat as text", "/_cat/aliases", ("Accept", "text/plain")),
    get("filter path", "/books?filter_path=*.settings.index.number*"),
    get("opaque id", "/", ("X-Opaque-Id", "abc 123")),
    get("trace context", "/", ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
    get("two opaque ids", "/", ("X-Opaque-Id", "one"), ("X-Opaque-Id", "two")),
    get("odd header case", "/", ("x-oPaQuE-iD", "odd")),
    get("raw bytes in a header", "/", ("X-Opaque-Id", "é")),
    get("header of 6 KB", "/", ("Cookie", "a=" + "b" * 6000)),
    get("cross-origin", "/", ("Origin", "http://kibana:5601")),
    get("product header from a client", "/", ("X-elastic-product-origin", "kibana")),
    get("HTTP/1.1 with keep-alive", "/", ("Connection", "keep-alive")),
    get("HTTP/1.1 with close", "/", ("Connection", "close")),
    Call("HTTP/1.0", "GET", "/books/_mapping", minor=0),
    Call("HTTP/1.0 with keep-alive", "GET", "/books/_mapping", (("Connection", "keep-alive"),), minor=0),
    Call("HTTP/1.0, a quarter megabyte", "GET", "/books/_doc/23", minor=0),
    Call("preflight", "OPTIONS", "/books/_search", (("Origin", "http://k"), ("Access-Control-Request-Method", "POST"))),
)

ERRORS = (
    get("missing index", "/missing/_search"),
    get("missing document", "/books/_doc/none"),
    Call("missing index by HEAD", "HEAD", "/missing"),
    Call("missing document by HEAD", "HEAD", "/books/_doc/none"),
    get("no handler", "/_nothing/here"),
    get("unknown parameter", "/books/_search?sizze=1"),
    get("bad value of a parameter", "/books/_search?size=many"),
    get("bad escape in the path", "/books/_doc/%zz"),
    get("bad escape in the query", "/books/_search?q=%zz"),
    get(
        "error with a trace", "/missing?error_trace", volatile=(r"\$\$Lambda[^.(]*", r'"stack_trace":"(?:[^"\\]|\\.)*"')
    ),
    get("error, pretty", "/missing?pretty"),
    get("error in YAML", "/missing?format=yaml"),
    Call("method not allowed", "PATCH", "/books"),
    Call("method not allowed on a fixed path", "DELETE", "/_search"),
    Call("method that does not exist", "BREW", "/"),
    Call("options", "OPTIONS", "/books"),
    Call("options of all", "OPTIONS", "/"),
    get("invalid index name", "/_Upper/_search"),
    get("machine learning, absent here", "/_ml/anomaly_detectors"),
    get("jobs, absent here", "/_ml/data_frame/analytics"),
    post("explain a job, absent here", "/_ml/data_frame/analytics/_explain", {}),
    get("security, absent here", "/_security/_authenticate"),
)

WRITES = (
    write("index a document", "PUT", "/shelf/_doc/9", {"title": "nine"}),
    write("index without an id, refused", "PUT", "/shelf/_doc", {"title": "nine"}),
    write("create a document", "PUT", "/shelf/_create/9?refresh=true", {"title": "nine"}),
    write(
        "create one that exists",
        "PUT",
        "/shelf/_create/1",
        {"title": "one"},
        (r'"index_uuid":"[^"]*"', r"\[[^\]]{22}\]"),
    ),
    write("update a document", "POST", "/shelf/_update/1?_source", {"doc": {"pages": 1}}),
    write("update a missing document", "POST", "/shelf/_update/none", {"doc": {}}, (r'"index_uuid":"[^"]*"',)),
    write("delete a document", "DELETE", "/shelf/_doc/1"),
    write("delete a missing document", "DELETE", "/shelf/_doc/none"),
    write("wrong type of a field", "PUT", "/shelf/_doc/9", {"pages": "many"}),
    write("refresh", "POST", "/shelf/_refresh"),
    write("flush", "POST", "/shelf/_flush"),
    write("create an index", "PUT", "/shelf-made", {"settings": {"number_of_replicas": 0}}),
    write("create an index that exists", "PUT", "/shelf", {}, (r"shelf/[^\]]{22}", r'"index_uuid":"[^"]*"')),
    write("create an index with a bad name", "PUT", "/Shelf", {}),
    write("put a mapping", "PUT", "/shelf/_mapping", {"properties": {"more": {"type": "long"}}}),
    write("conflicting mapping", "PUT", "/shelf/_mapping", {"properties": {"pages": {"type": "text"}}}),
    write("put settings", "PUT", "/shelf/_settings", {"index": {"refresh_interval": "7s"}}),
    write("put an alias", "PUT", "/shelf/_alias/ledge"),
    write("swap aliases", "POST", "/_aliases", {"actions": [{"add": {"index": "shelf", "alias": "ledge"}}]}),
    write("legacy template, with a warning", "PUT", "/_template/old", {"index_patterns": ["shelf-old*"]}),
    write("block and say so", "PUT", "/shelf/_block/write"),
    write("close", "POST", "/shelf/_close"),
    write("delete an index", "DELETE", "/shelf"),
    write("delete everything, refused or not", "DELETE", "/shelf*?expand_wildcards=none"),
    Call(
        "bulk",
        "POST",
        "/_bulk?refresh=true&filter_path=-took",
        (NDJSON,),
        lines({"index": {"_index": "shelf", "_id": "7"}}, {"pages": 7}, {"delete": {"_index": "shelf", "_id": "1"}}),
        writes=True,
    ),
    Call("bulk without an end", "POST", "/shelf/_bulk", (NDJSON,), b'{"index":{}}\n{"a":1}', writes=True),
    Call(
        "bulk of 1 MB in chunks",
        "POST",
        "/shelf/_bulk?filter_path=errors,items.*.status",
        (NDJSON,),
        chunks=tuple(lines({"index": {"_id": str(at)}}, {"note": "x" * 20_000}) for at in range(50)),
        writes=True,
    ),
)

ECHOES = (
    get("echo of headers", "/_oracle/echo/x", ("X-A", "1"), ("x-a", "2"), ("X-B", ""), ("Authorization", "Basic YTpi")),
    get("echo of cookies", "/_oracle/echo/x", ("Cookie", "a=1"), ("Cookie", "b=2"), ("Accept", "*/*")),
    get("echo of an escaped target", "/_oracle/echo/%61%2Fb%20?a=1&a=2&b=%20+x&c"),
    get("echo of a raw target", '/_oracle/echo/a"b{c}|d\\e^`?x=["<>"]'),
    post("echo of a body", "/_oracle/echo/x", {"a": "Ünï"}),
    Call("echo of a chunked body", "POST", "/_oracle/echo/x", (JSON,), chunks=(b'{"a":', b"1}")),
    Call("echo of a DELETE with a body", "DELETE", "/_oracle/echo/x", (JSON,), b"{}"),
    get("echo of forwarding headers", "/_oracle/echo/x", ("X-Forwarded-For", "10.0.0.9"), ("Via", "1.1 front")),
    get(
        "echo of a run-as",
        "/_oracle/echo/x",
        ("es-security-runas-user", "u"),
        ("es-secondary-authorization", "Basic eA=="),
    ),
    get("echo of a foreign host", "/_oracle/echo/x", ("User-Agent", "curl/8"), ("kbn-xsrf", "true")),
)

CALLS = (*READS, *BODIES, *HEADERS, *ERRORS, *WRITES, *ECHOES)
