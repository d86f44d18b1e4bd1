"""The destination index, as Elasticsearch itself would make it: values in, a create body out.

- `era`: which generation of Elasticsearch's behaviour a cluster has;
- `javatext`: how Java prints values, for conflict texts;
- `sourcefilter`: which fields `source._source` leaves out;
- `conflict`: definitions that cannot live in one index;
- `settings`, `mappings`: what is copied from the sources, and what of it conflicts;
- `results`: the fields that Elasticsearch adds for the results of the analysis;
- `body`: all of it together.
"""

from proxy.destination.body import DestinationBody, conflicts, destination_body
from proxy.destination.conflict import Conflict, ConflictKind, Definition
from proxy.destination.era import Era, is_remade
from proxy.destination.mappings import merge_mappings
from proxy.destination.results import result_mappings, results_field_conflict
from proxy.destination.settings import merge_settings
from proxy.destination.sourcefilter import is_field_excluded

__all__ = [
    "Conflict",
    "ConflictKind",
    "Definition",
    "DestinationBody",
    "Era",
    "conflicts",
    "destination_body",
    "is_field_excluded",
    "is_remade",
    "merge_mappings",
    "merge_settings",
    "result_mappings",
    "results_field_conflict",
]
