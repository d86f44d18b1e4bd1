"""Which request targets a front may carry past Startgate. Everything else goes to it, and it decides.

A target is ordinary if its path holds nothing but characters that every reader takes for themselves, and nowhere the
literal that all special calls share (`proxy.route.table.HINT`), in whatever case. No reader can find a special call in
such a path: whatever it decodes, folds, merges, cuts off or resolves, it never makes a letter out of what is left. The
method plays no part, so neither do headers that override it. Of headers `Expect` alone counts: no request with it is
carried, as a node may take its body for further requests (`proxy.edge` has that body wait).

The escapes that are let through stand for punctuation that clients escape in names of indices: the client for
JavaScript, and so Kibana, sends `a%2Cb`. None of them is a letter, an underscore, a percent sign, a dot, or one of `;`,
`#`, `?` and `\\`, at which readers differ about where a path ends.
"""

import re
from typing import Final

from proxy.route.table import HINT

# Space * + , / : < > { | } as escapes.
_ESCAPES: Final = "%(2[0ABCFabcf]|3[ACEace]|7[BCDbcd])"
_PLAIN: Final = "[A-Za-z0-9_/.*+,:@~-]*"
# In runs: an alternative for each character costs PCRE a place on its stack, which has an end.
_PATH: Final = f"/{_PLAIN}({_ESCAPES}{_PLAIN})*"

# For matchers that look for a part: nginx and HAProxy (PCRE). The target of a request holds no line end.
BEGINS: Final = rf"^{_PATH}(\?|$)"
# For matchers that take the whole target: Envoy (RE2).
WHOLE: Final = rf"{_PATH}(\?.*)?"

# Every special call holds the hint, and the hint holds this: matchers that have one expression and no look-ahead can do
# without a negation. A few other names hold it, such as `alpha_first`: these go through Startgate as well.
PIECE: Final = b"a_f"
# In the classes below `a` and `f` are left out in both cases: not even a matcher that folds case may find the piece.
_NO_AS: Final = "[B-Zb-z0-9_/.*+,:@~-]*"
_AFTER_A: Final = f"([B-Zb-z0-9/.*+,:@~-]|{_ESCAPES})"
# Without the escapes: Envoy takes no expression that RE2 compiles to more than 100 instructions.
_AFTER_A_: Final = "[B-EG-Zb-eg-z0-9_/.*+,:@~-]"
_AS: Final = "[Aa]+(_[Aa]+)*"
# An ordinary path without the piece, to be matched as a whole: after each `a`, and each `a_`, comes what cannot go on
# to the piece.
WITHOUT_PIECE: Final = f"/{_NO_AS}(({_ESCAPES}|{_AS}({_AFTER_A}|_{_AFTER_A_})){_NO_AS})*({_AS}_?)?"

# The literals whose bearers never are ordinary; what sniffing clients ask for is rewritten by Startgate alone.
HINTS: Final = (HINT.decode("ascii"),)
SNIFFING: Final = "_nodes"

_WHOLE: Final = re.compile(WHOLE.encode("ascii"), re.DOTALL)


def ordinary(target: bytes, hints: tuple[str, ...] = HINTS) -> bool:
    """Whether a front may carry a request with this raw target past Startgate; what the texts say, for tests of them.
    `hints` are in lower case. Never raises."""
    folded = target.lower()
    return _WHOLE.fullmatch(target) is not None and not any(hint.encode("ascii") in folded for hint in hints)


def check(piece: bytes, hint: bytes) -> None:
    """Raise ValueError where `piece` is no part of `hint`: `WITHOUT_PIECE` would then let special calls through."""
    if piece not in hint:
        raise ValueError(f"{piece.decode()} is no part of {hint.decode()}: a front would carry special calls")


check(PIECE, HINT)
