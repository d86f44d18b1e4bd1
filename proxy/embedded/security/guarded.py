"""A backend seen by one subject: every call is authorised, and its wildcards narrowed, before it is made."""

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from proxy.embedded.backend import Answer, Backend, Call
from proxy.embedded.core.request import parse_query, split_target
from proxy.embedded.security.actions import RULES, UNMAPPED, Rule
from proxy.embedded.security.authorise import (
    cluster_denial,
    index_denial,
    may_cluster,
    may_index,
    may_run_as,
    require_cluster,
)
from proxy.embedded.security.identity import Subject
from proxy.embedded.security.masking import masked
from proxy.embedded.security.narrow import is_wildcard, narrow, split
from proxy.embedded.security.store import Security
from proxy.embedded.security.targets import body_targets

_PLAIN_IN_PATH = "*,-.<>:!$'()+;=@~"


class Guarded:
    """`backend` as `subject` may use it. Denials are raised as `Failure` 403."""

    def __init__(self, backend: Backend, security: Security, subject: Subject) -> None:
        self._backend = backend
        self._security = security
        self._subject = subject

    async def call(self, call: Call) -> Answer:
        """Authorise, narrow, hand on, and show of the answer what may be seen."""
        found = RULES.match(call.method, split_target(call.target)[0])
        rule = None if found is None else found.value
        if found is None or rule is None:
            require_cluster(self._security, self._subject, UNMAPPED)
            return await self._backend.call(call)
        answered = await self._backend.call(await self._authorised(call, rule, found.variables))
        via = split(found.variables.get("index"))
        return masked(self._security, self._subject, rule.action, via, answered)

    async def close(self) -> None:
        """Nothing is held here: the backend outlives its views."""

    async def _authorised(self, call: Call, rule: Rule, variables: Mapping[str, str]) -> Call:
        may_run_as(self._security, self._subject, rule.action)
        if rule.names == "none":
            self._require_global(rule)
            return call
        if rule.names == "path":
            return await self._by_path(call, rule, variables)
        for action, name in body_targets(rule.names, call.body, variables.get("index")):
            if not may_index(self._security, self._subject, name, action):
                raise index_denial(self._security, self._subject, action, [name])
        return call

    def _require_global(self, rule: Rule) -> None:
        if not may_cluster(self._security, self._subject, rule.action):
            raise cluster_denial(self._security, self._subject, rule.action)

    async def _by_path(self, call: Call, rule: Rule, variables: Mapping[str, str]) -> Call:
        parts = split(variables.get("index"))
        existing = await self._existing() if rule.expands and any(map(is_wildcard, parts)) else ()
        if rule.expands:
            narrowed = narrow(parts, existing, lambda name: self._may(name, rule.action))
            refused, names = narrowed.refused, narrowed.names
        else:
            refused, names = tuple(name for name in parts if not self._may(name, rule.action)), parts
        # Explicit names that may not be touched are an error, unless the request does without unavailable ones.
        lenient = parse_query(split_target(call.target)[1]).get("ignore_unavailable") in ("", "true")
        if refused and not (lenient and rule.expands):
            raise index_denial(self._security, self._subject, rule.action, refused)
        # The target is left byte for byte as it came wherever that means the same.
        if not refused and not (rule.expands and narrowed.changed):
            return call
        return replace(call, target=_refilled(call.target, rule, variables, ",".join(names)))

    def _may(self, name: str, action: str) -> bool:
        return may_index(self._security, self._subject, name, action)

    async def _existing(self) -> list[str]:
        answered = await self._backend.call(Call(method="GET", target="/_resolve/index/*?expand_wildcards=all"))
        found = json.loads(answered.body) if answered.status == 200 else {}
        return [entry["name"] for kind in ("indices", "aliases", "data_streams") for entry in found.get(kind, ())]


def _refilled(target: str, rule: Rule, variables: Mapping[str, str], expression: str) -> str:
    path = rule.template
    for name, value in {**variables, "index": expression}.items():
        path = path.replace("{" + name + "}", quote(value, safe=_PLAIN_IN_PATH))
    query = target.partition("?")[2]
    return f"{path}?{query}" if query else path
