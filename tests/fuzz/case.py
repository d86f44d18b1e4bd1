"""One input: bytes in parts, with a place for the tag that tells its connection from all others; how it is kept."""

import ast
import re
from dataclasses import dataclass

# Stands for the tag while an input is made, changed and kept. What takes its place is as long, so that lengths
# that were reckoned stay true. A mutant that damages it sends no tag, and never that of another connection.
PLACE = b"TAGTAGTAG"
TAGS = re.compile(rb"z[pd][0-9a-f]{7}(?:\.[0-9a-z])?")


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent: `parts`, with a pause between them.

    `sound`: made by the grammar with framings that all readers agree on, and unchanged since; what its bodies hold must
    then never be answered.
    """

    parts: tuple[bytes, ...]
    sound: bool = False

    @property
    def data(self) -> bytes:
        """All parts as one."""
        return b"".join(self.parts)

    def tagged(self, tag: bytes) -> "Case":
        """The input as it goes out: `tag`, nine bytes, in every place for it, also in one that is split between two
        parts."""
        sizes = [len(part) for part in self.parts]
        data = self.data.replace(PLACE, tag)
        ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
        parts = [data[end - size : end] for end, size in zip(ends, sizes, strict=True)]
        return Case(tuple(parts), self.sound)

    def text(self) -> str:
        """One line for each part, as Python spells bytes."""
        return "".join(f"{part!r}\n" for part in self.parts)


def tag_of(number: int, letter: str = "p") -> bytes:
    """The tag of the connection with this number: `p` for those through the proxy, `d` for direct ones."""
    return f"z{letter}{number:07x}".encode()


def from_text(text: str) -> Case:
    """The input that `Case.text` wrote. Raises ValueError for anything else."""
    parts = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            part = ast.literal_eval(line.strip())
        except (ValueError, SyntaxError):
            part = None
        if not isinstance(part, bytes):
            raise ValueError(  # noqa: TRY004 -- it is the text that is wrong
                f"line {number} is not bytes as Python spells them, such as b'GET / HTTP/1.1\\r\\n'"
            )
        parts.append(part)
    return Case(tuple(parts))
