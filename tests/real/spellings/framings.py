"""Where does the body end? Each of these has split some pair of servers."""

from tests.real.spellings.bytes import JSON, PATH, framed, head


def framings() -> dict[str, bytes]:
    """Where does the body end? Each of these has split some pair of servers."""
    chunk, last = b"2\r\n{}\r\n", b"0\r\n\r\n"
    chunked = b"Transfer-Encoding: chunked"
    return {
        "chunked": framed(JSON, chunked, body=chunk + last),
        "chunked, empty": framed(JSON, chunked, body=last),
        "length, then chunked": framed(JSON, b"Content-Length: 2", chunked, body=chunk + last),
        "chunked, then length": framed(JSON, chunked, b"Content-Length: 2", body=chunk + last),
        "chunked and length, HTTP/1.0": head(PATH, JSON, chunked, b"Content-Length: 12", line=b"POST %b HTTP/1.0")
        + chunk
        + last,
        "chunked, HTTP/1.0": head(PATH, JSON, chunked, line=b"POST %b HTTP/1.0") + chunk + last,
        "Chunked": framed(JSON, b"Transfer-Encoding: Chunked", body=chunk + last),
        "chunked, identity": framed(JSON, b"Transfer-Encoding: chunked, identity", body=chunk + last),
        "identity, chunked": framed(JSON, b"Transfer-Encoding: identity, chunked", body=chunk + last),
        "identity": framed(b"Transfer-Encoding: identity"),
        "gzip, chunked": framed(JSON, b"Transfer-Encoding: gzip, chunked", body=chunk + last),
        "xchunked": framed(JSON, b"Transfer-Encoding: xchunked", body=chunk + last),
        "xchunked with length": framed(JSON, b"Transfer-Encoding: xchunked", b"Content-Length: 2", body=b"{}"),
        "chunked twice": framed(JSON, chunked, chunked, body=chunk + last),
        "chunked in two headers": framed(JSON, b"Transfer-Encoding: identity", chunked, body=chunk + last),
        "chunked with parameter": framed(JSON, b"Transfer-Encoding: chunked;q=1", body=chunk + last),
        "chunked in quotes": framed(JSON, b'Transfer-Encoding: "chunked"', body=chunk + last),
        "chunked after tab": framed(JSON, b"Transfer-Encoding:\tchunked", body=chunk + last),
        "chunked before tab": framed(JSON, b"Transfer-Encoding: chunked\t", body=chunk + last),
        "chunked after vertical tab": framed(JSON, b"Transfer-Encoding:\x0bchunked", body=chunk + last),
        "chunked, space before colon": framed(JSON, b"Transfer-Encoding : chunked", body=chunk + last),
        "chunked, folded": framed(JSON, b"Transfer-Encoding:", b" chunked", body=chunk + last),
        "chunked, underscore name": framed(JSON, b"Transfer_Encoding: chunked", b"Content-Length: 2", body=b"{}"),
        "length twice, equal": framed(JSON, b"Content-Length: 2", b"Content-Length: 2", body=b"{}"),
        "length twice, different": framed(JSON, b"Content-Length: 2", b"Content-Length: 3", body=b"{} "),
        "length list, equal": framed(JSON, b"Content-Length: 2, 2", body=b"{}"),
        "length list, different": framed(JSON, b"Content-Length: 2, 3", body=b"{} "),
        "length with plus": framed(JSON, b"Content-Length: +2", body=b"{}"),
        "length negative": framed(JSON, b"Content-Length: -1", body=b"{}"),
        "length minus zero": framed(b"Content-Length: -0"),
        "length hexadecimal": framed(JSON, b"Content-Length: 0x2", body=b"{}"),
        "length with leading zeros": framed(JSON, b"Content-Length: 0002", body=b"{}"),
        "length with spaces": framed(JSON, b"Content-Length:   2  ", body=b"{}"),
        "length with inner space": framed(JSON, b"Content-Length: 0 2", body=b"{}"),
        "length empty": framed(b"Content-Length:"),
        "length of words": framed(b"Content-Length: two"),
        "length over 2**63": framed(b"Content-Length: 9223372036854775808"),
        "length in Arabic digits": framed(JSON, b"Content-Length: \xd9\xa2", body=b"{}"),
        "length, space before colon": framed(JSON, b"Content-Length : 2", body=b"{}"),
        "chunk extension": framed(JSON, chunked, body=b"2;a=b\r\n{}\r\n" + last),
        "chunk extension in quotes": framed(JSON, chunked, body=b'2;a="\r\n"\r\n{}\r\n' + last),
        "chunk size with zeros": framed(JSON, chunked, body=b"0002\r\n{}\r\n" + last),
        "chunk size with space": framed(JSON, chunked, body=b"2 \r\n{}\r\n" + last),
        "chunk size with leading space": framed(JSON, chunked, body=b" 2\r\n{}\r\n" + last),
        "chunk size 0x2": framed(JSON, chunked, body=b"0x2\r\n{}\r\n" + last),
        "chunk size negative": framed(JSON, chunked, body=b"-2\r\n{}\r\n" + last),
        "chunk size of words": framed(JSON, chunked, body=b"zz\r\n{}\r\n" + last),
        "chunk size over 2**32": framed(JSON, chunked, body=b"100000002\r\n{}\r\n" + last),
        "chunk with bare LF": framed(JSON, chunked, body=b"2\n{}\n0\n\n"),
        "chunk without its end": framed(JSON, chunked, body=b"2\r\n{}" + last),
        "chunk longer than said": framed(JSON, chunked, body=b"2\r\n{}  \r\n" + last),
        "trailers": framed(JSON, chunked, b"Trailer: X-A", body=chunk + b"0\r\nX-A: b\r\n\r\n"),
        "trailer sets a length": framed(JSON, chunked, body=chunk + b"0\r\nContent-Length: 5\r\n\r\n"),
        "trailer without colon": framed(JSON, chunked, body=chunk + b"0\r\nnonsense\r\n\r\n"),
    }
