"""A start behind or inside another request, or arriving piecemeal."""

from tests.real.spellings.bytes import JSON, ROOT, SMUGGLED, framed, head


def sequences() -> dict[str, bytes]:
    """A start behind or inside another request."""
    chunked = b"Transfer-Encoding: chunked"
    whole = b"Content-Length: %d" % len(SMUGGLED)
    get, search = b"GET %b HTTP/1.1", b"/_search?size=0"
    post = b"POST %b HTTP/1.1"
    inside_chunk = b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"
    return {
        "pipelined after GET": ROOT + SMUGGLED,
        "pipelined after HEAD": ROOT.replace(b"GET", b"HEAD") + SMUGGLED,
        "pipelined after OPTIONS": ROOT.replace(b"GET", b"OPTIONS") + SMUGGLED,
        "pipelined after 404": ROOT.replace(b"GET / ", b"GET /missing ") + SMUGGLED,
        "pipelined after a body": head(search, JSON, b"Content-Length: 2", line=post) + b"{}" + SMUGGLED,
        "pipelined after chunks": head(search, JSON, chunked, line=post) + b"2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
        "pipelined after a body and CRLF": head(search, JSON, b"Content-Length: 2", line=post)
        + b"{}\r\n\r\n"
        + SMUGGLED,
        "pipelined, three starts": SMUGGLED * 3,
        "pipelined after connection close": ROOT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + SMUGGLED,
        "pipelined after HTTP/1.0": ROOT.replace(b"HTTP/1.1", b"HTTP/1.0") + SMUGGLED,
        "pipelined after a malformed request": b"GET /%zz HTTP/1.1\r\nHost: es\r\n\r\n" + SMUGGLED,
        "pipelined after nonsense": b"nonsense\r\n\r\n" + SMUGGLED,
        "in the body of a GET": head(b"/", whole, line=get) + SMUGGLED,
        "in the body of a HEAD": head(b"/", whole, line=b"HEAD %b HTTP/1.1") + SMUGGLED,
        "in the body of an OPTIONS": head(b"/", whole, line=b"OPTIONS %b HTTP/1.1") + SMUGGLED,
        "in the body of a search": head(search, JSON, whole, line=post) + SMUGGLED,
        "in a chunk of a search": head(search, JSON, chunked, line=post) + inside_chunk,
        "after an early last chunk, length says all": head(
            search, JSON, chunked, b"Content-Length: %d" % (5 + len(SMUGGLED)), line=post
        )
        + b"0\r\n\r\n"
        + SMUGGLED,
        "length says none, chunks hold it": head(search, JSON, b"Content-Length: 0", chunked, line=post) + inside_chunk,
        "length says less, xchunked": head(
            search, JSON, b"Transfer-Encoding: xchunked", b"Content-Length: 2", line=post
        )
        + b"{}"
        + SMUGGLED,
        "chunked behind a space, length says all": head(
            search, JSON, b"Transfer-Encoding : chunked", b"Content-Length: %d" % (5 + len(SMUGGLED)), line=post
        )
        + b"0\r\n\r\n"
        + SMUGGLED,
        "chunked, identity, length says all": head(
            search,
            JSON,
            b"Transfer-Encoding: chunked, identity",
            b"Content-Length: %d" % (5 + len(SMUGGLED)),
            line=post,
        )
        + b"0\r\n\r\n"
        + SMUGGLED,
        "two lengths, the first hides it": head(
            search, JSON, b"Content-Length: 0", b"Content-Length: %d" % len(SMUGGLED), line=post
        )
        + SMUGGLED,
        "length list hides it": head(search, JSON, b"Content-Length: 0, %d" % len(SMUGGLED), line=post) + SMUGGLED,
        "chunk extension ends in LF": head(search, JSON, chunked, line=post) + b"2;\n{}\r\n0\r\n\r\n" + SMUGGLED,
        "chunk data ends in LF": head(search, JSON, chunked, line=post) + b"2\r\n{}\n0\r\n\r\n" + SMUGGLED,
        "chunk size overflows": head(search, JSON, chunked, line=post) + b"100000000\r\n\r\n" + SMUGGLED,
        "header ends in bare CR": head(b"/", b"X-A: b\r\r\n" + SMUGGLED.rstrip(), line=get),
        "header ends in two LFs": b"GET / HTTP/1.1\r\nHost: es\r\nX-A: b\n\n" + SMUGGLED,
        "expect, then a start as body": head(b"/", b"Expect: 100-continue", whole, line=get) + SMUGGLED,
        "expect without a body, then a start": head(b"/", b"Expect: 100-continue", line=get) + SMUGGLED,
        # A node that refuses an expectation reads what follows as the next request, though it was announced as a body.
        "unknown expectation, a start as body": head(b"/", b"Expect: magic", whole, line=get) + SMUGGLED,
        "two expectations, a start as body": head(b"/", b"Expect: 100-continue, magic", whole, line=get) + SMUGGLED,
        "expectation of a body over the limit": head(
            b"/", b"Expect: 100-continue", b"Content-Length: 209715200", line=get
        )
        + SMUGGLED,
        "unknown expectation, HTTP/1.0": head(
            b"/", b"Connection: keep-alive", b"Expect: magic", whole, line=b"GET %b HTTP/1.0"
        )
        + SMUGGLED,
        "body over the limit": head(b"/", b"Content-Length: 209715200", line=get) + SMUGGLED,
        "upgrade h2c, then a start": head(
            b"/", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk", line=get
        )
        + SMUGGLED,
        "upgrade websocket, then a start": head(
            b"/",
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            line=get,
        )
        + SMUGGLED,
        "CONNECT, then a start": b"CONNECT es:9200 HTTP/1.1\r\nHost: es\r\n\r\n" + SMUGGLED,
        "HTTP/2 preface, then a start": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
        "TLS hello, then a start": b"\x16\x03\x01\x00\x04abcd" + SMUGGLED,
        "PROXY protocol line": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + head(),
        "connection names content-length, start as body": head(b"/", b"Connection: content-length", whole, line=get)
        + SMUGGLED,
    }


def in_parts() -> dict[str, tuple[bytes, ...]]:
    """One start, arriving piecemeal."""
    whole = b"Content-Length: %d" % len(SMUGGLED)
    one, body = head(), framed(JSON, b"Expect: 100-continue", b"Content-Length: 2")
    return {
        "byte by byte": tuple(bytes([byte]) for byte in one),
        "split in the method": (one[:2], one[2:]),
        "split in the path": (one[:20], one[20:]),
        "split in the last CRLF": (one[:-1], one[-1:]),
        "split between CR and LF": (one[: one.index(b"\r") + 1], one[one.index(b"\r") + 1 :]),
        "expect, body later": (body, b"{}"),
        "chunks later": (framed(JSON, b"Transfer-Encoding: chunked"), b"2\r\n", b"{}", b"\r\n0\r\n", b"\r\n"),
        "unknown expectation, a start as body later": (
            head(b"/", b"Expect: magic", whole, line=b"GET %b HTTP/1.1"),
            SMUGGLED,
        ),
        "in the late body of a refused type": (head(b"/_search", whole), SMUGGLED),
        "in the late body of no handler": (head(b"/_nothing/here", JSON, whole), SMUGGLED),
        "in the late body of a wrong method": (head(b"/_search", JSON, whole, line=b"DELETE %b HTTP/1.1"), SMUGGLED),
        "in a late body that is no gzip": (head(b"/_search", JSON, b"Content-Encoding: gzip", whole), SMUGGLED),
        "in a late chunk that is no gzip": (
            head(b"/_search", JSON, b"Content-Encoding: gzip", b"Transfer-Encoding: chunked"),
            b"4\r\nnope\r\n",
            b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n",
        ),
        "in a late body that is no deflate": (head(b"/_search", JSON, b"Content-Encoding: deflate", whole), SMUGGLED),
        "in the late body of a bad parameter": (head(b"/_search?pretty=maybe", JSON, whole), SMUGGLED),
        "in the late body of two opaque ids": (
            head(b"/_search", JSON, b"X-Opaque-Id: a", b"X-Opaque-Id: b", whole),
            SMUGGLED,
        ),
        "in the late body of a bad content type": (head(b"/_search", b"Content-Type: a/b/c;;", whole), SMUGGLED),
        "in the late body of too long a head": (head(b"/_search", JSON, whole, b"X-A: " + b"a" * 17000), SMUGGLED),
        "in the late body of too long a line": (head(b"/_search?" + b"a" * 5000, JSON, whole), SMUGGLED),
        "expectation of a body over the limit, a start later": (
            head(b"/", b"Expect: 100-continue", b"Content-Length: 209715200", line=b"GET %b HTTP/1.1"),
            SMUGGLED,
        ),
        "after a GET was answered": (ROOT, SMUGGLED),
        "leading CRLF apart": (b"\r\n", one),
    }
