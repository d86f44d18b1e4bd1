"""JSON Schemas of what people write and read, for editors and CI: made from the tables that the readers themselves use.

- `rules`: from the tables of keys of the rule language;
- `config`: from the table of configuration keys; `cases`: from the keys of case files;
- `audit`: the records of the journal;
- `registry`: all of them by name; the files beside it are what it makes, and a test holds them to that.
"""
