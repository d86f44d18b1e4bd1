"""`python -m tools.site.check DIR`: what was built asks nobody else for anything when it is read."""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

# Attributes that are fetched when a page is shown; a link is followed by a person, and may lead anywhere.
_FETCHED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "video": "src"}
# `<link>`s that only tell something.
_TOLD = {"canonical", "prev", "next", "alternate"}


class _Fetches(HTMLParser):
    """Collects what a page fetches."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the target of an element that is fetched."""
        values = dict(attrs)
        target = values.get(_FETCHED.get(tag, ""))
        if target and not (tag == "link" and values.get("rel") in _TOLD):
            self.found.append(target)


def fetched_elsewhere(folder: Path) -> Iterator[str]:
    """`page: address` of each thing that a page of the site would fetch from another place."""
    for path in sorted(folder.rglob("*.html")):
        reader = _Fetches()
        reader.feed(path.read_text())
        for target in reader.found:
            if target.startswith(("http:", "https:", "//")):
                yield f"{path.relative_to(folder)}: {target}"


def main(folder: Path) -> int:
    """Print what is fetched from elsewhere; 1 where something is, or where there is no page."""
    pages = list(folder.rglob("*.html"))
    faults = list(fetched_elsewhere(folder))
    print("\n".join(faults) if faults else f"{len(pages)} pages, and none fetches anything from elsewhere")
    return 1 if faults or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
