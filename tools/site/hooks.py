"""What mkdocs calls while it builds the site; `mkdocs.yml` names this file."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tools.site.pages import PAGES, outside, relinked, without_place

ROOT = Path(__file__).parent.parent.parent


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of files outside `docs/`, and give a place to those that have none."""
    for page, text in outside(ROOT).items():
        files.append(File.generated(config, page, content=text))
    pages = [file.src_uri for file in files.documentation_pages()]
    if more := without_place(pages, config.nav):
        config.nav = [*(config.nav or []), {"More": more}]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links that lead from file to file lead from page to page."""
    at = page.file.src_uri
    return markdown if at in PAGES.values() else relinked(markdown, f"docs/{at}", at)
