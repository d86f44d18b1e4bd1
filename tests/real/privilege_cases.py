"""Roles, questions and expressions for comparing privileges, drawn from a seed: each run asks the same."""

import json
import random
from dataclasses import dataclass

from proxy.privileges import IndexGrant, Role

_PARTS = ("a", "b", "ab", "a-", "-b", ".ta", ".kibana", ".tasks", ".kibana_", "b-1")
_REGEXES = ("/a.*/", "/~(b.*)/", "/[ab]-?/", "/(a|b)*/", "/~(([.]|a-).*)/", "/.*&~(ab.*)/")
# Pieces of regular expressions: common ones often, each sign of the syntax, and what only looks like syntax.
_SIGNS = (
    *'aaaabbbb.?*+|&~()[]^-{}"@#<>\\/,12 ',
    *("{1,2}", "{2}", "{1,}", "{2,1}", "{0,1}", "a{0}", "){0,}", "[a-c]", "[^a]", "[^", "[a\\-b]", "[\\d]"),
    *("(a|b)", "(a&b)*", "#*", "(~@)*", "~(", "\\d", "\\a", "\\.", "<1-3>"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A role, and index privileges asked of it."""

    role: Role
    names: tuple[str, ...]
    privileges: tuple[str, ...]
    allow_restricted: bool


class Draw:
    """Draws cases. `privileges` are those that grants and questions are made of."""

    def __init__(self, seed: int, privileges: tuple[str, ...] = ()) -> None:
        self._random = random.Random(seed)  # noqa: S311 - guards no secret
        self._privileges = privileges

    def _some(self, pool: tuple[str, ...], most: int) -> tuple[str, ...]:
        drawn = (self._random.choice(pool) for _ in range(self._random.randint(1, most)))
        return tuple(dict.fromkeys(drawn))

    def pattern(self) -> str:
        """A pattern of index names: about half are plain."""
        kind = self._random.random()
        if kind < 0.2:
            return "*" if kind < 0.08 else self._random.choice(_REGEXES)
        text = "".join(self._random.choice(_PARTS) for _ in range(self._random.randint(1, 2)))
        text += self._random.choice(("", "*"))
        at = self._random.randint(0, len(text))
        return text[:at] + self._random.choice(("", "", "", "", "*", "?")) + text[at:]

    def question(self) -> Question:
        """A role of up to four grants on different sets of names: those on the same set are joined before."""
        grants: dict[frozenset[str], IndexGrant] = {}
        for _ in range(self._random.randint(1, 4)):
            names = tuple(self.pattern() for _ in range(self._random.randint(1, 3)))
            flag = self._random.random() < 0.25
            grants[frozenset(names)] = IndexGrant(
                names=names, privileges=self._some(self._privileges, 2), allow_restricted=flag
            )
        return Question(
            role=Role(name="r", indices=tuple(grants.values())),
            names=tuple(dict.fromkeys(self.pattern() for _ in range(self._random.randint(1, 2)))),
            privileges=self._some(self._privileges, 2),
            allow_restricted=self._random.random() < 0.25,
        )

    def cluster(self) -> tuple[tuple[str, ...], str]:
        """Cluster privileges held, and one asked for."""
        held = tuple(self._random.sample(self._privileges, self._random.randint(0, 3)))
        return held, self._random.choice(self._privileges)

    def regex(self) -> str:
        """What may be a regular expression, between slashes."""
        return f"/{''.join(self._random.choice(_SIGNS) for _ in range(self._random.randint(0, 7)))}/"


def as_file(role: Role) -> str:
    """A role as a role file holds it: JSON is YAML, too."""
    grants = [
        {"names": grant.names, "privileges": grant.privileges, "allow_restricted_indices": grant.allow_restricted}
        for grant in role.indices
    ]
    return json.dumps({role.name: {"cluster": role.cluster, "indices": grants}})
