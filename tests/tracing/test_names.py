"""docs/tracing.md lists every span and attribute; names are OpenTelemetry's where it has any."""

import re
from pathlib import Path

import pytest
from opentelemetry.semconv._incubating import attributes as conventions

from proxy.tracing.names import OF_A_CALL, OF_A_START, OF_A_STEP, RESOURCE, SPANS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "tracing.md").read_text()
FOLDER = Path(str(conventions.__file__)).parent if conventions.__file__ else Path(next(iter(conventions.__path__)))
# Every name of an attribute in the conventions that are installed.
KNOWN = {
    name
    for folder in (FOLDER, FOLDER.parents[1] / "attributes")
    for path in folder.glob("*_attributes.py")
    for name in re.findall(r'Final = "([a-z0-9_.]+)"', path.read_text())
}


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("## Spans", SPANS),
        ("### Attributes of a start", OF_A_START),
        ("### Attributes of a step", OF_A_STEP),
        ("### Attributes of a call to the cluster", OF_A_CALL),
        ("### Attributes of the sender", RESOURCE),
    ],
)
def test_the_document_has_the_table(heading: str, table: dict[str, str]) -> None:
    part = DOCUMENT.split(f"\n{heading}\n", 1)[1]
    rows = part[part.index("\n| ") :].split("\n\n", 1)[0].strip().splitlines()[2:]
    assert rows == [f"| `{name}` | {meaning} |" for name, meaning in table.items()]


@pytest.mark.parametrize("name", sorted({*OF_A_START, *OF_A_STEP, *OF_A_CALL, *RESOURCE}))
def test_an_attribute_is_in_the_conventions_or_of_ours(name: str) -> None:
    assert name.startswith("startgate.") or name.removesuffix(".<key>") in KNOWN
