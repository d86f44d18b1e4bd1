"""Documents that lie outside `docs/`, as pages; and links between documents, as links between pages.

In the repository a link leads from file to file, and `tests/test_docs.py` holds it to that. On the site some files have
another place, and sources have none: a link to one of those becomes its name.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

# File, from the root of the repository → page, from the root of the site.
PAGES: Mapping[str, str] = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "bench/README.md": "bench.md",
    "startgate.example.yml": "example.md",
    "rules/examples/README.md": "rule-examples.md",
    "docs/decisions": "decisions/index.md",
}
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")


def outside(root: Path) -> dict[str, str]:
    """The text of each page that is made of a file outside `docs/`, by its path on the site."""
    made = {}
    for source, page in PAGES.items():
        path = root / source
        if path.is_dir():
            made[page] = decisions(path)
        elif path.suffix == ".yml":
            made[page] = f"# A configuration with every key\n\n```yaml\n{path.read_text()}```\n"
        else:
            made[page] = relinked(path.read_text(), source, page)
    return made


def decisions(folder: Path) -> str:
    """The page that lists the decision records in a folder, by number."""
    lines = ["# Decisions\n", "Why things are as they are: a question each, what was weighed, what was decided.\n"]
    for path in sorted(folder.glob("*.md")):
        title = path.read_text().splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}]({path.name})")
    return "\n".join(lines) + "\n"


def relinked(text: str, source: str, page: str) -> str:
    """The text of a file, with its links as links from its page. Both are paths from their roots."""

    def link(found: re.Match[str]) -> str:
        target, anchor = found["target"], found["anchor"] or ""
        if not target or "://" in target:
            return found[0]
        aim = os.path.normpath(PurePosixPath(source).parent / target)
        at = PAGES.get(aim, aim.removeprefix("docs/") if aim.startswith("docs/") else None)
        if at is None:
            # A source file: the site has none of them, and the repository may be anywhere.
            return found["text"]
        return f"[{found['text']}]({os.path.relpath(at, PurePosixPath(page).parent)}{anchor})"

    return _LINK.sub(link, text)


def without_place(pages: Iterable[str], nav: object) -> list[str]:
    """The pages that a navigation, as mkdocs has it from its file, does not lead to; decisions have their own list."""
    placed = set(_leaves(nav))
    return sorted(page for page in pages if page not in placed and not page.startswith("decisions/"))


def _leaves(nav: object) -> Iterable[str]:
    match nav:
        case str():
            yield nav
        case dict():
            for below in nav.values():
                yield from _leaves(below)
        case list():
            for below in nav:
                yield from _leaves(below)
