"""The site of the documents: what mkdocs is told beyond `mkdocs.yml`, and a look at what it built.

- `pages`: which documents outside `docs/` are pages, and how links between documents become links between pages
- `hooks`: mkdocs' own events, each a line or two
- `check`: what was built asks nobody else for anything
"""
