"""What the grammar and the mutator choose from: the pieces in which proxies and servers have been found to differ."""

PATH = b"/_ml/data_frame/analytics/TAGTAGTAG/_start"
ECHO = b"/_oracle/echo/TAGTAGTAG"

# Each is followed by requests that are well formed.
METHODS = (b"GET", b"GET", b"POST", b"POST", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS")
ODD_METHODS = (b"post", b"Post", b"PATCH", b"TRACE", b"CONNECT", b"PRI", b"BREW", b"PO ST", b"POST\x00", b"M-SEARCH")
VERSIONS = (b"HTTP/1.1",) * 12 + (b"HTTP/1.0", b"HTTP/1.0")
ODD_VERSIONS = (
    b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.10", b"HTTP/01.1", b"http/1.1", b"HTTP/1.1 ", b"HTTP/1", b"",
)  # fmt: skip

TARGETS = (ECHO, ECHO + b"?a=b&c", b"/", b"/_search?size=0", b"/missing/_doc/1", b"/_nothing/here", b"/_cat/aliases")

# What may stand where a start's path begins, between two of its segments, inside one, and behind the last.
BEFORE = (
    b"", b"/", b"//", b"/.", b"/x/..", b"/%2e", b"http://es", b"http://es:9200", b"//es", b"*", b"es:9200", b"#",
    b"?", b";", b"\\",
)  # fmt: skip
BETWEEN = (
    b"/", b"/", b"/", b"//", b"/./", b"/x/../", b"%2f", b"\\", b"/;/", b"/%2e/", b"/#/", b"/?/", b"/\t/", b"/%00/",
)  # fmt: skip
BEHIND = (
    b"", b"/", b"//", b"?", b"?timeout=1s", b"#", b"#/x", b"/#/x?y", b"%23", b"%3f", b";", b";a=b", b"%3b", b"/.",
    b"/..", b"/%2e%2e", b"%00", b"%20", b"%2f", b"?#", b"??", b"/x", b"\x7f", b"\xa0", b"%0d%0a", b"%", b"%zz",
)  # fmt: skip
IDS = (
    b"TAGTAGTAG", b"TAGTAGTAG", b"", b".", b"..", b"%2e%2e", b"a%2fb", b"a;b", b"%", b"%zz", b"\xc3\xa9", b"\xff",
    b"x#", b"a?b", b"*", b"_all",
)  # fmt: skip

HEADERS = (
    b"Content-Type: application/json", b"Content-Type: text/plain", b"Accept: */*", b"Authorization: Basic YTpi",
    b"X-A: b", b"Connection: keep-alive", b"Accept-Encoding: gzip", b"Cookie: a=b", b"X-Forwarded-For: 10.0.0.1",
)  # fmt: skip
ODD_HEADERS = (
    b"Connection: close", b"Connection: content-length", b"Connection: transfer-encoding", b"Connection: host, x-a",
    b"Connection: upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk", b"Upgrade: websocket",
    b"Expect: 100-continue", b"Expect: magic", b"Expect: 100-continue, x", b"X-HTTP-Method-Override: POST",
    b"X-HTTP-Method: POST", b"X-Original-URL: " + PATH, b"X-Rewrite-URL: " + PATH, b"Host: other", b"Host:",
    b"Host: a/b", b"X-A: one\r\n two", b"X-A: one\r\n\ttwo", b" X-A: folded", b"X-A : b", b"X-A\t: b", b"X A: b",
    b": b", b"nonsense", b"X-A: a\rb", b"X-A: a\nb", b"X-A: a\x00b", b"X-A: a\x0bb", b"X-A: b\r\r", b"X-\xc3\xa9: b",
    b"X-A: \xff", b"X-A:" + b" " * 300 + b"b", b"X-Opaque-Id: TAGTAGTAG", b"Content-Encoding: gzip", b"TE: trailers",
    b"Trailer: Content-Length", b"Max-Forwards: 0", b"Keep-Alive: timeout=1", b"Proxy-Connection: close",
    b"X-Startgate-Plan: only", b"X-A: " + b"a" * 9000, b"X-A: a\r\n\r\nPOST " + PATH + b" HTTP/1.1\r\nX-B: c",
)  # fmt: skip

CODINGS = (
    b"chunked", b"Chunked", b"chunked ", b"\tchunked", b"\x0bchunked", b"xchunked", b"identity", b"chunked, identity",
    b"identity, chunked", b"gzip, chunked", b"chunked, chunked", b"chunked;q=1", b'"chunked"', b"chunked\x00", b"",
    b",chunked", b"chun\r\n ked", b"cow",
)  # fmt: skip
CODING_NAMES = (
    b"Transfer-Encoding: ", b"Transfer-Encoding: ", b"transfer-encoding:", b"Transfer-Encoding : ",
    b"Transfer_Encoding: ", b"Transfer-Encoding\t: ", b" Transfer-Encoding: ", b"X-A: b\nTransfer-Encoding: ",
    b"X-A: b\rTransfer-Encoding: ", b"Transfer-Encoding:\r\n ", b"Content-Encoding: ", b"Transfer-\x00Encoding: ",
)  # fmt: skip
LENGTHS = (
    b"+%d", b"-%d", b"0%d", b" %d ", b"%d, %d", b"%d,0", b"0, %d", b"0x%x", b"%d.0", b"%d;", b"1%d", b"\x0b%d",
    b"%d\x00", b"%d 0", b"", b"two", b"\xd9\xa2",
)  # fmt: skip
SIZES = (
    b"%x;a=b\r\n", b'%x;a="\r\n"\r\n', b"%x \r\n", b" %x\r\n", b"0x%x\r\n", b"-%x\r\n", b"+%x\r\n", b"%x\n", b"%x;\n",
    b"%x\r", b"%x\r\r\n", b"0000000000000000%x\r\n", b"10000000%x\r\n", b"1000000000000000%x\r\n", b"%x,\r\n",
    b"%x\x00\r\n", b"\r\n%x\r\n", b"zz\r\n",
)  # fmt: skip
LAST = (
    b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\n", b"0\n\n", b"0\r\n\n", b"0;a\r\n\r\n", b"00\r\n\r\n", b"0\r\nX-A: b\r\n\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nHost: x\r\n\r\n",
    b"0\r\nnonsense\r\n\r\n", b"0\r\n X: y\r\n\r\n", b"0\r\nX: a\nb\r\n\r\n", b"-0\r\n\r\n", b"", b"\r\n",
    b"0\r\n\r\n\r\n", b"0\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
)  # fmt: skip

# What the mutator puts in, or in the place of something.
TOKENS = (
    b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"\n\n", b" ", b"\t", b"\x00", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xa0",
    b"\xff", b":", b";", b",", b"#", b"?", b"/", b"//", b"\\", b"%", b"%2e", b"%2f", b"%5f", b"%23", b"%0d%0a", b"..",
    b"0", b"0\r\n\r\n", b"1", b"ffffffff", b"100000000", b"Content-Length: 0\r\n", b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Expect: magic\r\n", b"Connection: close\r\n",
    b"Connection: content-length\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"HTTP/1.0", b"HTTP/1.1",
    b"HTTP/2.0", b"GET ", b"POST ", b"HEAD ", PATH, b"_start", b"data_frame",
    b"POST " + PATH + b" HTTP/1.1\r\nHost: es\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
)  # fmt: skip
