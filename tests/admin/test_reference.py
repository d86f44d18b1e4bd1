"""The document lists the calls as they are."""

from pathlib import Path

from proxy.admin.reference import reference
from proxy.admin.surface import described

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_document_has_every_call() -> None:
    text = reference(described())
    assert text in DOCUMENT.read_text(), "write the part below `## Calls` anew: proxy.admin.reference"


def test_what_a_call_takes_is_told() -> None:
    text = reference(described())
    assert "| `GET /v1/starts` | `?size=` | whole number | `50` |" in text
    assert "| `POST /v1/session` | `password` in the body | text | none |" in text
    assert "| `GET /v1/starts/feed` | own |" in text
