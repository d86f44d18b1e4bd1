"""The one field of Startgate's own that a client may send, and only with a start: `X-Startgate-Plan`.

`hops` takes it out of every request, with all others of that prefix; here it is found again for the gate, from the
bytes that came. Ordinary traffic pays nothing for that.
"""

import re

# Of a head that was understood: no folding, no bare line feed, no blank before the colon is left to care about.
_PLAN = re.compile(rb"\n((?i:x-startgate-plan)[^:\r\n]*):[ \t]*([^\r\n]*)\r")
_NAME = b"x-startgate-plan"


def plan_lines(head: bytes) -> bytes:
    r"""All `X-Startgate-Plan` lines of a request head as it came, in the form of a section (`\nName: value\r`).

    What they say, and that there must not be two, is for the gate to judge. A name that only begins so
    (`X-Startgate-Planned`) is told as part of the value, which the gate refuses: it must not be lost, and a start made.
    """
    lines = [
        b"\nX-Startgate-Plan: %b\r" % (value if name.lower() == _NAME else name + b": " + value).rstrip(b" \t")
        for name, value in _PLAN.findall(head)
    ]
    return b"".join(lines)
