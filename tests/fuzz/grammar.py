"""Requests and pipelines of them, from a source of chance: `random.Random`, or hypothesis in its place.

A pipeline holds one to four requests, each with a tag of its own. About half of the requests are ordinary; the others
are odd in their line, their headers, or in where their body ends. Bodies may hold whole requests, starts among them.
"""

from random import Random

from tests.fuzz import words
from tests.fuzz.case import PLACE, Case


def pipeline(chance: Random) -> Case:
    """One input: requests one behind the other, and mostly a last one that ends the connection."""
    sound = chance.random() < 0.25
    data = b"".join(_request(chance, at, sound=sound) for at in range(chance.randint(1, 4)))
    if chance.random() < 0.9:
        data += sentinel()
    return Case(split(chance, data), sound)


def sentinel() -> bytes:
    """The last request of most inputs. Whatever swallows it shows, and what does not is ended by it without a wait."""
    return _line(b"GET", words.ECHO) + b"Host: es\r\nX-Opaque-Id: " + PLACE + b".z\r\nConnection: close\r\n\r\n"


def split(chance: Random, data: bytes) -> tuple[bytes, ...]:
    """`data` in one part or a few, cut anywhere."""
    if chance.random() < 0.7 or len(data) < 2:
        return (data,)
    cuts = sorted({chance.randrange(1, len(data)) for _ in range(chance.randint(1, 4))})
    return tuple(data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True))


def start(number: bytes = b"h") -> bytes:
    """A whole start, as it is smuggled."""
    return (
        _line(b"POST", words.PATH)
        + b"Host: es\r\nX-Opaque-Id: "
        + PLACE
        + b"."
        + number
        + b"\r\nContent-Length: 0\r\n\r\n"
    )


def _line(method: bytes, target: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"%b %b %b\r\n" % (method, target, version)


def _request(chance: Random, at: int, *, sound: bool) -> bytes:
    odd = not sound and chance.random() < 0.5
    method = chance.choice(words.METHODS)
    target = chance.choice(words.TARGETS)
    if chance.random() < 0.4:
        method, target = b"POST", words.PATH if sound or chance.random() < 0.3 else spelled(chance)
    version = chance.choice(words.VERSIONS) if not sound else b"HTTP/1.1"
    headers = [b"Host: es", b"X-Opaque-Id: %b.%d" % (PLACE, at)]
    headers += chance.sample(words.HEADERS, chance.randint(0, 2))
    if odd:
        where = chance.randrange(4)
        method = chance.choice(words.ODD_METHODS) if where == 0 else method
        version = chance.choice(words.ODD_VERSIONS) if where == 1 else version
        headers[1:1] = chance.sample(words.ODD_HEADERS, chance.randint(1, 2)) if where >= 2 else []
        chance.shuffle(headers)
    framing, body = framed(chance, content(chance), sound=not odd)
    return _line(method, target, version) + b"".join(line + b"\r\n" for line in (*headers, *framing)) + b"\r\n" + body


def spelled(chance: Random) -> bytes:
    """The path of a start, as somebody might spell it who hopes that a node reads it and a proxy does not."""
    segments = [b"_ml", b"data_frame", b"analytics", chance.choice(words.IDS), b"_start"]
    at = chance.randrange(len(segments))
    segments[at] = chance.choice((segments[at], segments[at], _escaped(chance, segments[at]), segments[at].upper()))
    path = segments[0]
    for segment in segments[1:]:
        path += (chance.choice(words.BETWEEN) if chance.random() < 0.2 else b"/") + segment
    before = b"/" if chance.random() < 0.7 else chance.choice(words.BEFORE) + b"/"
    return before + path + chance.choice(words.BEHIND)


def _escaped(chance: Random, segment: bytes) -> bytes:
    if not segment:
        return b"%00"
    at = chance.randrange(len(segment))
    return segment[:at] + b"%%%02x" % segment[at] + segment[at + 1 :]


def content(chance: Random) -> bytes:
    """A body: nothing, a little, or requests that must not be read as such."""
    hidden = start()
    behind = _line(b"GET", words.ECHO) + b"Host: es\r\nX-Opaque-Id: " + PLACE + b".h\r\n\r\n"
    return chance.choice((b"", b"", b"{}", b'{"size":0}', hidden, behind, b"\r\n\r\n" + hidden, b"0\r\n\r\n" + hidden))


def framed(chance: Random, body: bytes, *, sound: bool) -> tuple[list[bytes], bytes]:
    """The headers that say where `body` ends, and it as it is sent. Only sound ones are told alike by all readers."""
    if sound:
        if not body and chance.random() < 0.6:
            return [], b""
        if chance.random() < 0.5:
            return [b"Content-Length: %d" % len(body)], body
        return [b"Transfer-Encoding: chunked"], chunked(chance, body, sound=True)
    way = chance.randrange(6)
    length = b"Content-Length: %d" % max(0, len(body) + chance.choice((0, 0, 0, -1, 1, 5, -len(body), 100)))
    coding = chance.choice(words.CODING_NAMES) + chance.choice(words.CODINGS)
    if way == 0:
        return [length], body
    if way == 1:
        return [b"Content-Length: " + _odd_length(chance, len(body))], body
    if way == 2:
        return [length, b"Content-Length: %d" % chance.choice((0, 1, len(body)))], body
    if way == 3:
        return [b"Transfer-Encoding: chunked"], chunked(chance, body, sound=False)
    # Both: whoever reads the length and whoever reads the chunks find different ends (CL.TE, TE.CL, TE.TE).
    both = [b"Content-Length: %d" % chance.choice((0, 4, len(body), len(body) + 5)), coding]
    chance.shuffle(both)
    return both, chance.choice((body, chunked(chance, body, sound=True), b"0\r\n\r\n" + body))


def _odd_length(chance: Random, size: int) -> bytes:
    pattern = chance.choice(words.LENGTHS)
    places = pattern.count(b"%")
    return pattern % ((size,) * places) if places else pattern


def chunked(chance: Random, body: bytes, *, sound: bool) -> bytes:
    """`body` in chunks; unless `sound`, with something odd about a size, an end or the last of them."""
    cut = chance.randint(0, len(body))
    coded = b""
    for piece in (body[:cut], body[cut:]):
        if piece:
            coded += b"%x\r\n%b\r\n" % (len(piece), piece)
    if sound:
        return coded + b"0\r\n\r\n"
    if body and chance.random() < 0.6:
        pattern = chance.choice(words.SIZES)
        size = pattern % len(body) if b"%" in pattern else pattern
        coded = size + body + chance.choice((b"\r\n", b"\r\n", b"\n", b"", b"\r", b"  \r\n"))
    return coded + chance.choice(words.LAST)
