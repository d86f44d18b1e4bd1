"""Spans that stay in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.tracing.current import Kind, Value
from proxy.tracing.w3c import Ids, written

TRACE = "0af7651916cd43dd8448eb211c80319c"


@dataclass(slots=True)
class Kept:
    """One span (`current.Span`)."""

    name: str
    number: int = 1
    kind: Kind = Kind.SERVER
    state: str = ""
    attributes: dict[str, Value] = field(default_factory=dict)
    children: list["Kept"] = field(default_factory=list)
    error: str = ""
    ended: int = 0
    since_ns: int | None = None

    @property
    def ids(self) -> Ids:
        """Its own id, and that of its trace."""
        return Ids(trace_id=TRACE, span_id=f"{self.number:016x}")

    @property
    def carried(self) -> str:
        """The value of `traceparent`."""
        return written(self.ids, 1)

    def child(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> "Kept":
        """A span within this one."""
        number = self.number * 16 + len(self.children) + 1
        made = Kept(name, number, kind, self.state, dict(attributes))
        self.children.append(made)
        return made

    def past(self, name: str, since_ns: int) -> None:
        """A span that is over."""
        made = self.child(name, Kind.INTERNAL, {})
        made.since_ns = since_ns
        made.end()

    def tell(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        self.attributes.update(attributes)

    def fail(self, error: str) -> None:
        """It went wrong."""
        self.error = error

    def end(self) -> None:
        """It is over."""
        self.ended += 1
