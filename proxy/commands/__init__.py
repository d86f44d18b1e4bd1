"""The subcommands of `startgate`, a module each; `cli` adds them to the command itself.

- `common`: options, how errors are told, how something is printed;
- `check`, `plan`, `audit`, `embedded`: the commands of these names.
"""
