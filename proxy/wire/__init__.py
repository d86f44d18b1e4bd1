"""HTTP/1.1 on the wire: bytes to heads and bodies and back. Pure: no sockets, no clock; the caller feeds and writes.

In the order that data flows:

- `limits`, `errors`  what a head may weigh; `WireError`: the only thing that decoding raises
- `fields`    the header section: strict grammar, canonical form
- `hops`      what belongs to one connection only (Connection, Transfer-Encoding, …): read, judged and taken out
- `own`       the one field of Startgate's own that a client may send, with a start
- `request`   request head: bytes → `RequestHead` → canonical bytes
- `answer`    answer head: bytes → `AnswerHead` → canonical bytes
- `repeated`  the decoders of a connection, which know its last header section again
- `framing`   where a body ends: none, length, chunked, until close
- `body`      incremental readers, one per framing
- `chunks`    the chunked coding, both ways
- `forwarded` what servers behind are told of who asked, where an operator wants more than what came
- `proxy_protocol`  what a front says before the first byte: who connected to it; `crc32c` is its checksum

A decoder reads one message and stops right behind it. What leaves is what is built anew from what was understood (a
head that came is passed on only where both are the same): order, repetition, case of names, value bytes and the exact
request target survive; what belongs to the one connection does not. See docs/decisions/001-own-decoder.md.
"""
