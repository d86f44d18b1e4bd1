"""What a head may weigh. Bodies have no limit: they are streamed."""

from dataclasses import dataclass, field

# A line of a section is at least `\nA: \r` (see `fields`).
_LEAST_LINE_BYTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """Bounds of one head.

    `line_bytes` bounds the start line, `head_bytes` everything up to and with the empty line (both in bytes), `fields`
    the number of header lines. Precedents: nginx 8 KiB a line and 32 KiB a head, Elasticsearch 4 KiB and 16 KiB,
    h11 16 KiB a head, Apache httpd 100 fields. A section of up to `surely_few_bytes` need not be counted.
    """

    line_bytes: int = 16 * 1024
    head_bytes: int = 64 * 1024
    fields: int = 1000
    surely_few_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        """Reckon what follows from the limits."""
        object.__setattr__(self, "surely_few_bytes", self.fields * _LEAST_LINE_BYTES)
