r"""The header section of a head: strict grammar in, canonical form out.

The canonical form, here called a *section*, is one `bytes` in which every header line stands as LF, name, colon, one
space, value, CR. Each line brings both its delimiters, so a line can be found or taken out by a plain search for
`\nName: value\r`: no other line can contain it, since neither CR nor LF can stand inside one. A whole head is then
`start line, CR, section, LF, CR, LF`.
"""

import re

from proxy.wire.errors import WireError
from proxy.wire.limits import HeadLimits

# RFC 9110 §5.6.2: token. Possessive (++): a hostile head costs one pass, never a second try.
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"

# RFC 9110 §5.5: field-value is VCHAR, obs-text, SP and HTAB, without white space at either end.
_VALUE_BYTE = rb"[\t\x20-\x7e\x80-\xff]"

# All of a value that is not empty.
VALUE = rb"[!-~\x80-\xff]" + _VALUE_BYTE + rb"*+(?<![ \t])"

# A section that is canonical already, as every usual client and server sends it (an empty value never is). The group is
# not possessive: Python before 3.11.5 does not go back to where a repetition began that fails halfway
# (python/cpython#106052), and would find no section at all. No line can be read in two ways, so there is little to try.
SECTION = rb"((?:\n" + TOKEN + rb": " + VALUE + rb"\r)*)\n\r\n"

_LINE = re.compile(rb"(" + TOKEN + rb"):(" + _VALUE_BYTE + rb"*+)")
_NAME = re.compile(TOKEN)
_BARE_LF = re.compile(rb"(?<!\r)\n")

HEAD_END = b"\r\n\r\n"


def canonical(lines: list[bytes]) -> bytes:
    """The section for header `lines` given without their line ends. Raises WireError for a line that is not strict."""
    return b"".join([_canonical_line(line) for line in lines])


def _canonical_line(line: bytes) -> bytes:
    match = _LINE.fullmatch(line)
    if match is None:
        raise WireError(_fault(line))
    return b"\n%b: %b\r" % (match[1], match[2].strip(b" \t"))


def _fault(line: bytes) -> str:
    """What is wrong with a header line that is not strict, without repeating any of it."""
    name, colon, _ = line.partition(b":")
    if line[:1] in (b" ", b"\t"):
        # RFC 9112 §5.2: obs-fold. A server may refuse it; whoever unfolds it reads other lines than who does not.
        return "a header line is folded (obs-fold)"
    if b"\r" in line or b"\n" in line:
        # RFC 9112 §2.2: a bare CR is invalid; a bare LF may be read as a line end, which is how smuggling begins.
        return "a header line holds a bare CR or LF"
    if not colon:
        return "a header line has no colon"
    if name != name.rstrip(b" \t"):
        # RFC 9112 §5.1: no white space between name and colon; it has led to smuggling.
        return "white space stands before the colon of a header line"
    if _NAME.fullmatch(name) is None:
        return "a header name is not a token"
    # RFC 9110 §5.5: NUL, CR and LF are dangerous; other controls are invalid as well.
    return "a header value holds a control character"


def split_head(data: bytes, limits: HeadLimits, *, what: str) -> tuple[bytes, list[bytes], int] | None:
    """Start line, header lines and length (with the empty line) of the head that `data` begins with.

    None while the head is incomplete and may still become a good one. `what` names the start line in errors. Raises
    WireError when the head can be refused already: over a limit (414, 431), or with a line end that is not CRLF.
    """
    end = data.find(HEAD_END)
    # What is incomplete will be at least one byte longer.
    head, size = (data, len(data) + 1) if end < 0 else (data[: end + 2], end + 4)
    line_end = head.find(b"\r\n")
    check_line(len(head.rstrip(b"\r")) if line_end < 0 else line_end, limits, what=what)
    if size > limits.head_bytes:
        raise too_large(limits)
    if _BARE_LF.search(head) is not None:
        # RFC 9112 §2.2 lets a recipient take a bare LF for a line end. Elasticsearch does; a refusal is unambiguous.
        raise WireError("a line of the head ends with a bare LF")
    if end < 0:
        return None
    lines = head[:-2].split(b"\r\n")
    check_count(len(lines) - 1, limits)
    return lines[0], lines[1:], end + 4


def check_head(section: bytes, line: int, size: int, limits: HeadLimits, *, what: str) -> None:
    """Raise WireError if a head with this `section`, a start line of `line` bytes and `size` bytes is over a limit."""
    count = section.count(b"\n")
    if line <= limits.line_bytes and size <= limits.head_bytes and count <= limits.fields:
        return
    check_line(line, limits, what=what)
    check_count(count, limits)
    raise too_large(limits)


def check_line(length: int, limits: HeadLimits, *, what: str) -> None:
    """Raise WireError (414) if a start line of `length` bytes is over the limit."""
    if length > limits.line_bytes:
        raise WireError(f"the {what} is longer than {limits.line_bytes} bytes", status=414)


def check_count(count: int, limits: HeadLimits) -> None:
    """Raise WireError (431) if `count` header lines are over the limit."""
    if count > limits.fields:
        raise WireError(f"there are more than {limits.fields} header lines", status=431)


def too_large(limits: HeadLimits) -> WireError:
    """The error for a head over the limit. RFC 6585 §5: 431."""
    return WireError(f"the head is larger than {limits.head_bytes} bytes", status=431)
