"""Where other major versions behave differently from 8.15, which the embedded cluster speaks.

By major version and case: the steps (counted from 0) whose answers differ even after `same.py`, with the reason. An
entry is a finding on 7.17.24 or 9.1.0; `test_contract.py` fails when one no longer holds.
"""


def _steps(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


_SEVEN = {
    "bodies that are no create request": _steps(1),  # a cut body: parse_exception
    "resolve names": _steps(5),  # a concrete name that is missing resolves to nothing, not to 404
    "index expressions": _steps(10, 14),  # expand_wildcards=none is no error; an unknown remote is a missing index
    "values that do not fit": _steps(26),  # GET of a document tells _ignored
    "documents that clash with themselves or their mapping": _steps(6),  # a dotted null maps no object
    "bodies that are no document": _steps(1),  # a list: 400, not 500
    "bulk with faults of items": _steps(1),  # types and words of the items' errors
    "bulk that cannot be read": _steps(1),  # an unknown action is found by validation
    "multi get": _steps(1),  # words of the error in it
    "queries that are none": _steps(17, 18),  # size and from of -1 mean the default
    # dense_vector is in a module, so the second index is missing; filters, types and fields in the body are new.
    "field capabilities": _steps(1, 2, 3, 4, 5, 6, 9, 10),
    "routes and methods that do not exist": _steps(6, 7),  # empty segments are index names of typed routes
    "parameters": _steps(8),  # a bad escape is answered by the router
    "content types": _steps(1, 2, 5, 6, 7, 12),  # compatible-with=8 is unknown to it, and ignored
}

_NINE = {
    "dynamic mapping": _steps(1, 3),  # dynamically mapped dates tell an empty locale
    "bulk that cannot be read": _steps(6),  # no body at all: 500, null_pointer_exception
    "field capabilities": _steps(2),  # other metadata fields
    "routes and methods that do not exist": _steps(9),  # POST /{index}/{type} is gone: 400 in place of 405
    "parameters": _steps(9),  # the same
    "content types": _steps(2),  # compatible-with=9 is its own
    "the cluster": _steps(1, 2),  # unassigned_primary_shards is new
}

KNOWN: dict[int, dict[str, frozenset[int]]] = {7: _SEVEN, 9: _NINE}
