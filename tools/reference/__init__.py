"""Reference pages, the man page and shell completions, made from the code that they describe.

- `tree`: the commands as they are declared
- `commands`, `manual`, `completion`: the same for the site, for man(1), and for shells
- `configuration`: every key, from the table that the reader uses
- `refusals`: every error that a client may be answered, read from the sources
- `files`: which file holds which

`python -m tools.reference` writes them; a test holds the files to what would be written.
"""
