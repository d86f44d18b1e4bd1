"""The subcommands of `startgate`, a module each; `cli` names them in the command itself.

- `common`: options, how errors are told, how something is printed;
- `late`: groups that import a command when it is asked for;
- `rewriting`: a new text in place of a file;
- `check`, `fmt`, `seal`, `schema`, `test`, `rules`, `break_glass`, `plan`, `audit`, `embedded`, `export`: the commands
  of these names.
"""
