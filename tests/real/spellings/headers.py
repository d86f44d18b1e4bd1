"""Headers that some servers read as another request, another length or the end of the connection."""

import gzip

from tests.real.spellings.bytes import JSON, PATH, framed, head


def headers() -> dict[str, bytes]:
    """Headers that some servers read as another request, another length or the end of the connection."""
    return {
        "connection close": framed(b"Connection: close"),
        "connection names content-length": framed(
            JSON, b"Connection: close, content-length", b"Content-Length: 2", body=b"{}"
        ),
        "connection names transfer-encoding": framed(
            JSON, b"Connection: transfer-encoding", b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"
        ),
        "connection names host": framed(b"Connection: host"),
        "upgrade h2c": framed(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
        "upgrade websocket": framed(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
        "expect, body follows": framed(JSON, b"Expect: 100-continue", b"Content-Length: 2", body=b"{}"),
        "expect, no body": framed(b"Expect: 100-continue"),
        "expect something else": framed(b"Expect: 200-maybe"),
        "override from GET": head(PATH, b"X-HTTP-Method-Override: POST", line=b"GET %b HTTP/1.1"),
        "override from PUT": head(PATH, b"X-HTTP-Method: POST", line=b"PUT %b HTTP/1.1"),
        "override in query": head(PATH + b"?_method=POST", line=b"GET %b HTTP/1.1"),
        "X-Original-URL": head(b"/", b"X-Original-URL: " + PATH),
        "X-Rewrite-URL": head(b"/", b"X-Rewrite-URL: " + PATH),
        "GET": head(line=b"GET %b HTTP/1.1"),
        "HEAD": head(line=b"HEAD %b HTTP/1.1"),
        "OPTIONS": head(line=b"OPTIONS %b HTTP/1.1"),
        "PATCH": head(line=b"PATCH %b HTTP/1.1"),
        "CONNECT": head(line=b"CONNECT %b HTTP/1.1"),
        "folded header": framed(b"X-A: one", b"  two"),
        "folded before the first header": b"POST " + PATH + b" HTTP/1.1\r\n folded: yes\r\nHost: es\r\n\r\n",
        "header without colon": framed(b"nonsense"),
        "header with empty name": framed(b": x"),
        "space before colon": framed(b"X-A : b"),
        "tab before colon": framed(b"X-A\t: b"),
        "space in header name": framed(b"X A: b"),
        "leading space in first header": b"POST " + PATH + b" HTTP/1.1\r\n Host: es\r\n\r\n",
        "NUL in header value": framed(b"X-A: a\x00b"),
        "control byte in header value": framed(b"X-A: a\x01b"),
        "CR in header value": framed(b"X-A: a\rb"),
        "raw bytes in header value": framed(b"X-A: \xff\xfe"),
        "raw bytes in header name": framed(b"X-\xc3\xa9: b"),
        "header of 10 KiB": framed(b"X-A: " + b"a" * 10240),
        "head over 16 KiB": framed(b"X-A: " + b"a" * 17000),
        "300 headers": framed(*[b"X-%d: a" % at for at in range(300)]),
        "two Authorizations": framed(b"Authorization: Basic YTpi", b"Authorization: Basic Yzpk"),
        "body without content type": framed(b"Content-Length: 2", body=b"{}"),
        "body as text": framed(b"Content-Type: text/plain", b"Content-Length: 2", body=b"{}"),
        "body in gzip": framed(
            JSON, b"Content-Encoding: gzip", b"Content-Length: 22", body=gzip.compress(b"{}", mtime=0)
        ),
        "accept with a compatible version": framed(b"Accept: application/vnd.elasticsearch+json;compatible-with=8"),
    }
