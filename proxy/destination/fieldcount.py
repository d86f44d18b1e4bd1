"""How many fields an index may have (`MappingLookup.checkFieldLimit`, which creating an index comes to)."""

from collections.abc import Mapping
from typing import Any

from proxy.errors import Refusal

LIMIT = "index.mapping.total_fields.limit"
DEFAULT_LIMIT = 1000


def check_field_count(settings: Mapping[str, Any], mappings: Mapping[str, Any]) -> None:
    """Tell before anything is sent that the cluster will not make an index of these flat settings and this mapping.

    Counted is what has a name at the mapping's top. Elasticsearch counts what is below that, too, so that some which
    pass here are refused by it.

    Raises:
        Refusal: 400, in Elasticsearch's words.
    """
    try:
        limit = int(str(settings.get(LIMIT, DEFAULT_LIMIT)))
    except ValueError:
        return  # no number: the cluster says so
    if len(mappings.get("properties", {})) > limit:
        text = f"Limit of total fields [{limit}] has been exceeded"
        raise Refusal(400, "illegal_argument_exception", text)
