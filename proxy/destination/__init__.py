"""The destination index, as Elasticsearch itself would make it: values in, a create body out.

- `era`: which generation of Elasticsearch's behaviour a cluster has;
- `javatext`: how Java prints values, for conflict texts;
- `sourcefilter`: which fields `source._source` leaves out;
- `distinct`: the few different indices of a fleet;
- `conflict`: definitions that cannot live in one index;
- `settings`, `mappings`: what is copied from the sources, and what of it conflicts;
- `parts`: what of an analysis the copied fields and analyzers need beside that;
- `results`: the fields that Elasticsearch adds for the results of the analysis;
- `body`: all of it together;
- `fieldcount`: how many fields it may have;
- `origins`: where each part of it comes from;
- `later`: what Elasticsearch adds once the job runs;
- `template`: an index template for destinations that Elasticsearch makes anew by itself.
"""

from proxy.destination.body import DestinationBody, conflicts, destination_body
from proxy.destination.conflict import Conflict, ConflictKind, Definition
from proxy.destination.era import Era
from proxy.destination.later import Addition, added_later
from proxy.destination.mappings import merge_mappings
from proxy.destination.origins import Origin, OriginKind, Origins, origins
from proxy.destination.results import result_mappings, results_field_conflict
from proxy.destination.settings import merge_settings
from proxy.destination.sourcefilter import is_field_excluded
from proxy.destination.template import Template, remade_template

__all__ = [
    "Addition",
    "Conflict",
    "ConflictKind",
    "Definition",
    "DestinationBody",
    "Era",
    "Origin",
    "OriginKind",
    "Origins",
    "Template",
    "added_later",
    "conflicts",
    "destination_body",
    "is_field_excluded",
    "merge_mappings",
    "merge_settings",
    "origins",
    "remade_template",
    "result_mappings",
    "results_field_conflict",
]
