"""Reads the observed calls of a journal folder back, to know the owners of jobs: one pass, at start-up."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from proxy.journal.lines import batches

logger = logging.getLogger(__name__)

# Lines are canonical JSON, so that no other line has to be decoded. Within a text the second quotation mark would be
# escaped.
_NEEDLE = b'"observed":{'


def observed(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Every record of an observed call, and of such calls that were missed, oldest first.

    A line that cannot be read is passed over, and logged: it teaches nobody an owner. Whether the journal as a whole
    can be used is for others to say.

    Raises:
        JournalError: there is no such folder, or it or one of its files cannot be read: who is an owner by the others
            may be none any more.
    """
    for batch in batches(folder):
        for number, line in enumerate(batch.lines, batch.first):
            if _NEEDLE in line:
                yield from _record(batch.path, number, line)


def _record(path: Path, number: int, line: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        record = msgspec.json.decode(line)
        if isinstance(record["startgate"].get("observed"), Mapping):
            yield record
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, RecursionError) as failure:
        logger.warning("%s:%d is no record, and owners that it tells of are not known: %s", path, number, failure)
