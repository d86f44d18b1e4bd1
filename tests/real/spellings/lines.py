"""The request line: what stands before, between and after its three words."""

from tests.real.spellings.bytes import JSON, PATH, framed, head


def plain() -> dict[str, bytes]:
    """What any client might send."""
    return {
        "plain": head(),
        "length 0": framed(b"Content-Length: 0"),
        "body": framed(JSON, b"Content-Length: 2", body=b"{}"),
        "query": head(PATH + b"?timeout=1s"),
        "HTTP/1.0": head(line=b"POST %b HTTP/1.0"),
        "HTTP/1.0 keep-alive": head(PATH, b"Connection: keep-alive", line=b"POST %b HTTP/1.0"),
        "no Host": b"POST " + PATH + b" HTTP/1.1\r\n\r\n",
        "two Hosts": head(PATH, b"Host: other"),
        "foreign Host": b"POST " + PATH + b" HTTP/1.1\r\nHost: other.example\r\n\r\n",
        "empty Host": b"POST " + PATH + b" HTTP/1.1\r\nHost:\r\n\r\n",
    }


def request_lines() -> dict[str, bytes]:
    """Between the method, the target and the version, and before and after them."""
    return {
        "two spaces before target": head(line=b"POST  %b HTTP/1.1"),
        "two spaces before version": head(line=b"POST %b  HTTP/1.1"),
        "tab before target": head(line=b"POST\t%b HTTP/1.1"),
        "tab before version": head(line=b"POST %b\tHTTP/1.1"),
        "vertical tab before target": head(line=b"POST\x0b%b HTTP/1.1"),
        "vertical tab before version": head(line=b"POST %b\x0bHTTP/1.1"),
        "form feed before target": head(line=b"POST\x0c%b HTTP/1.1"),
        "form feed before version": head(line=b"POST %b\x0cHTTP/1.1"),
        "CR before target": head(line=b"POST\r%b HTTP/1.1"),
        "CR before version": head(line=b"POST %b\rHTTP/1.1"),
        "FS before target": head(line=b"POST\x1c%b HTTP/1.1"),
        "US before target": head(line=b"POST\x1f%b HTTP/1.1"),
        "NUL before target": head(line=b"POST\x00%b HTTP/1.1"),
        "NEL before target": head(line=b"POST\x85%b HTTP/1.1"),
        "no-break space before target": head(line=b"POST\xa0%b HTTP/1.1"),
        "leading space": b" " + head(),
        "leading tab": b"\t" + head(),
        "leading CRLF": b"\r\n" + head(),
        "many leading CRLFs": b"\r\n" * 8 + head(),
        "leading LF": b"\n" + head(),
        "leading CR": b"\r" + head(),
        "leading control bytes": b"\x00\x01\x1f" + head(),
        "leading DEL": b"\x7f" + head(),
        "leading C1 control": b"\x85" + head(),
        "leading byte order mark": b"\xef\xbb\xbf" + head(),
        "bare LF line ends": head(end=b"\n"),
        "bare LF after request line": head(PATH).replace(b"\r\n", b"\n", 1),
        "CR CR LF line ends": head(end=b"\r\r\n"),
        "CR line ends": head(end=b"\r"),
        "space after version": head(line=b"POST %b HTTP/1.1 "),
        "tab after version": head(line=b"POST %b HTTP/1.1\t"),
        "word before version": head(line=b"POST %b x HTTP/1.1"),
        "lower-case method": head(line=b"post %b HTTP/1.1"),
        "mixed-case method": head(line=b"Post %b HTTP/1.1"),
        "method with a control byte": head(line=b"PO\x01ST %b HTTP/1.1"),
        "no version": head(line=b"POST %b"),
        "no version, no headers": b"POST " + PATH + b"\r\n\r\n",
        "version HTTP/2.0": head(line=b"POST %b HTTP/2.0"),
        "version HTTP/1.2": head(line=b"POST %b HTTP/1.2"),
        "version HTTP/0.9": head(line=b"POST %b HTTP/0.9"),
        "version http/1.1": head(line=b"POST %b http/1.1"),
        "version HTTP/01.1": head(line=b"POST %b HTTP/01.1"),
        "version HTTP/1.10": head(line=b"POST %b HTTP/1.10"),
        "version FOO/1.1": head(line=b"POST %b FOO/1.1"),
        "request line over 4 KiB": head(PATH + b"?" + b"a" * 4200),
    }
