"""Request target → PASS, GATE, OBSERVE or REFUSE. Pure, and the one place that knows which calls are special.

- `table`     the special calls, as Elasticsearch's own router spells them; checked for overlaps and gaps at import
- `lookalike` spellings that resemble a start but that Elasticsearch routes nowhere
- `router`    `route(method, target)`: the cheap test for ordinary traffic, then the table

Elasticsearch routes on the raw target: the path ends at the first `?`, is split at `/`, any number of trailing slashes
is ignored, literals are compared undecoded and case-sensitively, `{id}` is any single segment, even an empty one
(RestController, PathTrie). A URL parser reads several targets differently, so none is used.
"""
