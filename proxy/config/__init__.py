"""`startgate.yml` and `STARTGATE_…`: read, checked whole, and turned into what each process is told.

In the order in which a value passes:

- `document` reads the file;
- `tree` lays the environment over the file and keeps where each value is written;
- `keys` is the table of every key; what is not in it is refused;
- `values` turns one written value into one that means something, or says what is wrong with it;
- `break_glass` reads the keys that vouch for exceptions;
- `identity`, `journaling`, `masking`, `sinks` and `peers` read sections;
- `files` opens what the configuration names: secrets, certificates, folders;
- `load` joins them and reports every fault at once.

Only the command line and the supervisor come here; everyone else gets `proxy.settings`.
"""

from proxy.config.load import Config, load, shipped_rules

__all__ = ["Config", "load", "shipped_rules"]
