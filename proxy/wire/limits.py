"""What a head may weigh. Bodies have no limit: they are streamed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """Bounds of one head.

    `line_bytes` bounds the start line, `head_bytes` everything up to and with the empty line (both in bytes), `fields`
    the number of header lines. Precedents: nginx 8 KiB a line and 32 KiB a head, Elasticsearch 4 KiB and 16 KiB,
    h11 16 KiB a head, Apache httpd 100 fields.
    """

    line_bytes: int = 16 * 1024
    head_bytes: int = 64 * 1024
    fields: int = 1000
