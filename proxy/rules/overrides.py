"""The `destination.settings` part of a rule file: settings laid over what is copied, by patterns of the index's name.

Whether a setting exists and takes the value is the node's to say, when it creates the index: that depends on its
version and plugins. Refused here is what would break the copy, or what only the cluster itself may set.
"""

import re
from collections.abc import Mapping, Sequence

from proxy.privileges.patterns import matches
from proxy.rules.compiled import Origin, Override, Rules, Setting
from proxy.rules.overlap import covers
from proxy.rules.source import Entry, Listing, Node, Scalar, ScalarKind, Table
from proxy.rules.values import Values

# No setting is a larger number (Long.MAX_VALUE has 19 digits), and Python reads no number of thousands of digits.
_DIGITS = 20
_KEY = re.compile(r"index(?:\.[A-Za-z0-9_\-]+)+")
# MetadataCreateIndexService.validateIndexOrAliasName; `*` is the only wildcard.
_PATTERN = re.compile(r"[^\\/?\"<>| ,#:A-Z]+")
_OWN = "only the cluster itself sets it"
_KIND = "it would make an index of another kind than the copy needs"
_COPIED = "it is copied from the sources, with the fields that need it"
_ON_THE_WAY = "it would change the documents on their way into the copy"
# A setting, or all below it, and why a destination cannot have it from a rule.
_FORBIDDEN = {
    "index.uuid": _OWN,
    "index.creation_date": _OWN,
    "index.creation_date_string": _OWN,
    "index.version": _OWN,
    "index.provided_name": _OWN,
    "index.history": _OWN,
    "index.resize": _OWN,
    "index.shrink": _OWN,
    "index.verified_before_close": _OWN,
    "index.routing.allocation.initial_recovery": _OWN,
    "index.blocks": "it would keep the copy's documents out, or from being read",
    "index.frozen": "it would keep the copy's documents out",
    "index.default_pipeline": _ON_THE_WAY,
    "index.final_pipeline": _ON_THE_WAY,
    "index.mode": _KIND,
    "index.time_series": _KIND,
    "index.routing_path": _KIND,
    "index.store.snapshot": _KIND,
    "index.mapping.source": _KIND,
    "index.analysis": _COPIED,
    "index.similarity": _COPIED,
}


def overrides(values: Values, entry: Entry | None) -> tuple[Override, ...]:
    """All patterns with their settings, in the order of the file. Faults are noted in `values`."""
    if entry is None:
        return ()
    if not isinstance(entry.value, Table):
        values.note(entry.value.mark, "`settings` must be a mapping of index patterns, each with its settings")
        return ()
    found = tuple(_override(values, one) for one in entry.value.entries)
    _idle(values, found, entry.value)
    return found


def _idle(values: Values, found: Sequence[Override], table: Table) -> None:
    """Note each setting that a later pattern sets for all that its own pattern matches: it can never win."""
    for place, (override, written) in enumerate(zip(found, table.entries, strict=True)):
        for later in found[place + 1 :]:
            if not covers([later.pattern], [override.pattern]):
                continue
            theirs = {setting.key: setting for setting in later.settings}
            own = written.value.entries if isinstance(written.value, Table) else ()
            for entry in (one for one in own if one.key in theirs):
                where = f"`{later.pattern}` in {theirs[entry.key].origin}"
                message = f"{where} always wins over this; put it above, or remove one"
                values.note(entry.mark, f"`{entry.key}` of `{override.pattern}` never counts: {message}")


def settings_for(rules: Rules, destination: str) -> Mapping[str, Setting]:
    """What the rules lay over a destination of this name, by key; the later of two patterns that match wins."""
    return {
        setting.key: setting
        for override in rules.overrides
        if matches([override.pattern], destination)
        for setting in override.settings
    }


def _override(values: Values, entry: Entry) -> Override:
    if not _PATTERN.fullmatch(entry.key):
        message = f"`{entry.key}` cannot be the name of an index; a pattern is lower case, and `*` its only wildcard"
        values.note(entry.mark, message)
    settings: list[Setting] = []
    if not isinstance(entry.value, Table):
        values.note(entry.value.mark, f"`{entry.key}` must be a mapping of settings, such as {{index.codec: …}}")
    elif not entry.value.entries:
        values.note(entry.value.mark, f"`{entry.key}` has no settings, so it would change nothing")
    else:
        found = (_setting(values, one) for one in entry.value.entries)
        settings = [setting for setting in found if setting is not None]
    return Override(entry.key, tuple(settings))


def _setting(values: Values, entry: Entry) -> Setting | None:
    key = entry.key
    if not _KEY.fullmatch(key):
        short = not key.startswith("index") and _KEY.fullmatch(f"index.{key}")
        hint = f" (did you mean `index.{key}`?)" if short else ""
        values.note(entry.mark, f"`{key}` is not an index setting; write it out, from `index.` on{hint}")
        return None
    for forbidden, why in _FORBIDDEN.items():
        if key == forbidden or key.startswith(forbidden + "."):
            values.note(entry.mark, f"`{key}` cannot be set on a destination: {why}")
            return None
    value = _value(values, entry.value, key)
    return None if value is None else Setting(key, value, Origin(entry.mark.file, entry.mark.line))


def _value(values: Values, node: Node, key: str) -> str | int | tuple[str, ...] | None:
    if isinstance(node, Listing):
        texts = [values.text(item, key) for item in node.items]
        return tuple(text.text for text in texts if text is not None)
    if isinstance(node, Table):
        values.note(node.mark, f"`{key}` takes a value here, not a mapping; write each setting out, from `index.` on")
        return None
    return _scalar(values, node, key)


def _scalar(values: Values, scalar: Scalar, key: str) -> str | int | None:
    if scalar.kind is ScalarKind.INT:
        if len(scalar.text) > _DIGITS:
            values.note(scalar.mark, f"`{key}` has more than {_DIGITS} digits")
            return None
        return int(scalar.text)
    if scalar.text.lower() in ("true", "false"):
        return scalar.text.lower()
    if scalar.reading == "float":
        return scalar.text
    text = values.text(scalar, key)
    return None if text is None else text.text
