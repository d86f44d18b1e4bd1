"""An index core in process: indices, mappings, documents and searches, as Elasticsearch 8.15 answers them.

For the demo and the tests; nothing here ever serves production traffic. Order of a call:

- `engine`      `Core.call`: bytes in, bytes out; `routing` + `routes` find the handler as Elasticsearch's router would
- `request`     path, query and body as handlers see them; `media` content types and encodings; `filtering` filter_path
- `*_api`       one module a family of calls: decide on values, no I/O
- `store`       what is kept: indices, aliases, documents; `resolve` turns index expressions into indices
- `settings`    index settings (`setting_table`: what exists), `analysis` the analyzers that they define
- `mapping_*`   mappings: parse, merge, look up (`field_types`: what exists); `dynamic`: fields first seen in documents
- `document`    documents against mappings; `values` and `dates` their values; `writes` versions and sequence numbers
- `query`       queries as predicates (`query_clauses`, `field_reader`); `sorting`, `aggregations`, `hits` and `search`
                what is made of the matches; `alias_filters` narrows them
- `failure`     every error in Elasticsearch's shape and words

Everything is plain dicts on one event loop: no locks, no threads, no disk.
"""

from proxy.embedded.core.engine import Core

__all__ = ["Core"]
