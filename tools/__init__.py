"""What makes documents and releases; nothing of it is shipped, and nothing that is shipped knows it.

- `reference`: pages, the man page and shell completions, made from the code (`python -m tools.reference`)
- `site`: the hooks of mkdocs, and a look at what it built
- `release`: wheel and sdist, their bill of materials, licences and known holes
"""
