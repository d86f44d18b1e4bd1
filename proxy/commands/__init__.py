"""The subcommands of `startgate`, a module each; `cli` adds them to the command itself.

- `common`: options, how errors are told, how something is printed;
- `rewriting`: a new text in place of a file;
- `check`, `fmt`, `seal`, `schema`, `test`, `rules`, `break_glass`, `plan`, `audit`, `embedded`, `export`: the commands
  of these names.
"""
