"""How the walk looks: headings, verdicts and tables in a terminal, the same words without colour in a pipe."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy import columns


class Show:
    """Writes to one console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def title(self, text: str, facts: Iterable[tuple[str, str]]) -> None:
        """The head of the walk: a name, and what runs where."""
        self.console.print(Text(text, style="bold"))
        self.facts(facts)

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Pairs of a word and what it stands for."""
        for heading, value in facts:
            self._line(Text.assemble("  ", (f"{heading:<14}", "dim"), value))

    def step(self, number: int, heading: str, what: str) -> None:
        """A step of the walk: what will be done and what is to be seen."""
        self.console.print()
        self._line(Text.assemble((f"{number}. {heading}", "bold cyan"), f": {what}"))

    def curl(self, line: str) -> None:
        """A line that can be copied into a shell; it is never broken."""
        self._line(Text.assemble(("  $ ", "dim"), (line, "bold")))

    def answer(self, status: int, text: str, receipt: str | None = None) -> None:
        """What came back."""
        style = "green" if status < 300 else "red" if status == 403 else "yellow"
        self._told(Text.assemble("  ", (str(status), f"bold {style}")), text)
        if receipt is not None:
            self._line(Text.assemble("  ", (f"{'receipt':<14}", "dim"), receipt))

    def note(self, text: str) -> None:
        """A sentence between two requests."""
        self._line(Text.assemble("  ", (text, "italic")))

    def rows(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A small table; numbers stand to the right."""
        self.lines(columns.lines(headings, rows, "  "))

    def lines(self, lines: Iterable[Text]) -> None:
        """Lines that are ready."""
        for line in lines:
            self._line(line)

    def _told(self, head: Text, text: str) -> None:
        """A head with what belongs to it: broken and indented in a terminal, one line in a pipe."""
        if not self.console.is_terminal:
            self._line(Text.assemble(head, " ", text))
            return
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(head, Text(text))
        self.console.print(grid)

    def _line(self, text: Text) -> None:
        # soft_wrap: the terminal breaks what is too long for it, and a copied line stays one line.
        self.console.print(text, soft_wrap=True)


def settings_row(name: str, content: Mapping[str, Any]) -> tuple[str, int, int]:
    """Name, shards and replicas out of an answer to `GET <name>/_settings`."""
    index = content[name]["settings"]["index"]
    return name, int(index["number_of_shards"]), int(index["number_of_replicas"])


def outlier_rows(content: Mapping[str, Any]) -> list[tuple[str, str, str, int, int, float]]:
    """The flights in an answer to a search of the destination, with their scores."""
    sources = [hit["_source"] for hit in content["hits"]["hits"]]
    return [
        (
            one["date"],
            one["origin"],
            one["destination"],
            one["distance"],
            one["delay"],
            float(one["ml"]["outlier_score"]),
        )
        for one in sources
    ]
