"""Index expressions cut down to what a subject may see (`IndicesAndAliasesResolver`, the plain part of it)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from proxy.embedded.core.texts import matches

NOTHING = ("*", "-*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """`names` to ask for instead; `changed` tells whether they differ in meaning from the expression; `refused` are
    explicit names that the subject may not touch."""

    names: tuple[str, ...]
    changed: bool
    refused: tuple[str, ...]


def is_wildcard(part: str) -> bool:
    """Whether a part of an expression stands for any number of indices."""
    return part in ("", "_all") or "*" in part


def split(expression: str | None) -> tuple[str, ...]:
    """The parts of an expression; none at all and `_all` mean every index."""
    if expression in (None, "", "_all"):
        return ("*",)
    return tuple(part for part in str(expression).split(",") if part)


def narrow(parts: Sequence[str], existing: Iterable[str], allowed: Callable[[str], bool]) -> Narrowed:
    """Replace wildcards by the existing names that match and are allowed. A part `-x` takes away what is matched so
    far. Where wildcards leave nothing, the expression matches nothing: that is no error."""
    names: list[str] = []
    refused: list[str] = []
    hidden_some = False
    known = sorted(existing)
    for index, part in enumerate(parts):
        # A minus in front means something only behind another part: the first may be a name that begins with it.
        if part.startswith("-") and index:
            names = [name for name in names if not matches(part[1:], name)]
        elif is_wildcard(part):
            matching = [name for name in known if _matches(part, name)]
            seen = [name for name in matching if allowed(name)]
            hidden_some = hidden_some or len(seen) < len(matching)
            names += [name for name in seen if name not in names]
        elif allowed(part):
            names.append(part)
        else:
            refused.append(part)
    return Narrowed(names=tuple(names) or NOTHING, changed=hidden_some, refused=tuple(refused))


def _matches(part: str, name: str) -> bool:
    pattern = "*" if part in ("", "_all") else part
    # Names that begin with a dot are hidden from patterns that do not.
    return matches(pattern, name) and (not name.startswith(".") or pattern.startswith("."))
