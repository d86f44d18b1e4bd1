"""The fields of Startgate's own that a client may send, and only with a start: `X-Startgate-Plan` and
`X-Startgate-Explain`.

`hops` takes them out of every request, with all others of that prefix; here they are found again for the gate, from the
bytes that came. Ordinary traffic pays nothing for that.
"""

import re

# Of a head that was understood: no folding, no bare line feed, no blank before the colon is left to care about.
_WISH = re.compile(rb"\n(x-startgate-(plan|explain)[^:\r\n]*):[ \t]*([^\r\n]*)\r", re.IGNORECASE)
_NAMES = {b"plan": b"X-Startgate-Plan", b"explain": b"X-Startgate-Explain"}


def wish_lines(head: bytes) -> bytes:
    r"""All lines of these fields in a request head as it came, in the form of a section (`\nName: value\r`).

    What they say, and that there must not be two, is for the gate to judge. A name that only begins so
    (`X-Startgate-Planned`) is told as part of the value, which the gate refuses: it must not be lost, and a start made.
    """
    lines = [
        b"\n%b: %b\r" % (meant, (value if name.lower() == meant.lower() else name + b": " + value).rstrip(b" \t"))
        for name, kind, value in _WISH.findall(head)
        for meant in (_NAMES[kind.lower()],)
    ]
    return b"".join(lines)
