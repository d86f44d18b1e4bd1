"""Makes a record smaller that is too large for a line. Values in, values out.

Every text and every list of a record is bounded (`entry`), but there are many of them: whoever may make jobs can name a
thousand sources of a thousand odd characters each, which are quoted in as many reasons. A line that readers take for
none would keep the next gate from starting.
"""

from collections.abc import Mapping
from typing import Any, Final

# Some hundred times what a record of a job over a dozen sources takes. Readers take lines of `lines.LINE_LIMIT_BYTES`.
RECORD_BYTES: Final = 2 * 1024 * 1024
# What is left of lists and texts then: names of indices have 255 bytes at most, and ids of jobs 64.
LIST_LEFT: Final = 20
TEXT_LEFT_CHARS: Final = 300


def smaller(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with shorter lists and texts, marked `startgate.incomplete`. What was judged goes as a whole: of a
    part nothing could be judged again."""
    made: dict[str, Any] = _shorter(record)
    ours = made["startgate"] = dict(made.get("startgate", {}))
    ours["incomplete"] = True
    if "situation" in ours:
        ours["situation"] = {"omitted": "the record would be too large"}
    verdict = ours.get("verdict")
    if isinstance(verdict, dict):
        told = record["startgate"]["verdict"]
        for part in ("reasons", "steps"):
            lost = len(told.get(part, ())) - len(verdict.get(part, ()))
            if lost:
                verdict[f"{part}_left_out"] = told.get(f"{part}_left_out", 0) + lost
    return made


def _shorter(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    if isinstance(value, str):
        return value if len(value) <= TEXT_LEFT_CHARS else f"{value[:TEXT_LEFT_CHARS]}…[{len(value)} characters]"
    if isinstance(value, Mapping):
        return {key: _shorter(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shorter(one) for one in value[:LIST_LEFT]]
    return value
