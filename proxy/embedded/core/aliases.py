"""Aliases: the one form in which their definitions are kept, and the rules that they obey."""

from collections.abc import Mapping
from typing import Any

from proxy.embedded.core import names
from proxy.embedded.core.failure import ElasticError, illegal, x_content
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.names import invalid_alias_name
from proxy.embedded.core.store import Index, Store

_FLAGS = ("is_write_index", "is_hidden")
_ROUTINGS = ("index_routing", "search_routing")


def definition(store: Store, name: str, body: Json) -> dict[str, Any]:
    """The kept form of one alias of an index. Raises ElasticError 400 for a bad name or body."""
    names.check_alias_name(name)
    if name in store.indices:
        raise invalid_alias_name(name, "an index or data stream exists with the same name as the alias")
    if not isinstance(body, Mapping):
        raise x_content((1, 1), f"[alias] Expected [START_OBJECT] but got [{type(body).__name__}]")
    found: dict[str, Any] = {}
    if body.get("filter"):
        found["filter"] = body["filter"]
    routing = body.get("routing")
    for key in _ROUTINGS:
        value = body.get(key, body.get(key.replace("_routing", "-routing"), routing))
        if value is not None:
            found[key] = str(value)
    for key in _FLAGS:
        if body.get(key) is not None:
            found[key] = body[key] is True or body[key] == "true"
    return found


def put(store: Store, indices: list[Index], name: str, body: Json) -> None:
    """Give the indices an alias. Raises ElasticError 400 where a second index would be its write index."""
    found = definition(store, name, body)
    if found.get("is_write_index"):
        chosen = {index.name for index in indices}
        others = {index.name for index in store.of_alias(name) if index.aliases[name].get("is_write_index")}
        if len(chosen | others) > 1:
            listed = ",".join(sorted(chosen | others))
            raise ElasticError(
                500, "illegal_state_exception", f"alias [{name}] has more than one write index [{listed}]"
            )
    for index in indices:
        store.put_alias(index, name, found)


def no_actions() -> ElasticError:
    """400 for `_aliases` without actions."""
    return illegal("No action specified")
