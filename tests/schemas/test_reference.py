"""The reference in the documents is what the code makes."""

from pathlib import Path

from proxy.rules.language import TABLES
from proxy.schemas.reference import reference

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_document_holds_it_word_for_word() -> None:
    assert reference() in DOCUMENT.read_text(), "write the part below `## Reference` anew: proxy.schemas.reference"


def test_every_key_has_a_row() -> None:
    text = reference()
    for heading, table in TABLES.items():
        part = text.split(f"### {heading}\n", 1)[1].split("###", 1)[0]
        assert [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")] == list(table)


def test_kinds_are_told() -> None:
    text = reference()
    for row in (
        "| `version` | `1` | must be there |",
        "| `mode` | `enforce`, `warn`, `shadow` | enforce |",
        "| `subjects` | a list of `data`, `owner` | [data] |",
        "| `trusted_intermediaries` | a list of texts and mappings |",
        "| `flows` | a list of mappings | any source may go anywhere |",
        "| `settings` | a mapping: a pattern of destinations to its values | {} |",
        "| `until` | a time | must be there |",
        "| `deny` | a text | must be there |",
        "| `destination` | a mapping | none |",
    ):
        assert row in text
