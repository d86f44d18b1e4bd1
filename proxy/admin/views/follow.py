"""Has the index follow the journal: looks at the files again and again, in a thread, and takes over what was found."""

import asyncio
import logging
from typing import Final

from proxy.admin.views.index import Changes, Index
from proxy.admin.views.reader import Reader
from proxy.errors import JournalError

logger = logging.getLogger(__name__)

# A start is to be seen within a second. A look at a journal in which nothing happens is a few system calls.
POLL_S: Final = 0.25
# Between two slices of a long read, so that others have their turn.
BREATH_S: Final = 0.005
# A folder that is not there yet, or away.
PAUSE_S: Final = 1.0


async def follow(index: Index, reader: Reader) -> None:
    """Never ends by itself. A journal that cannot be read is tried again, and told of once."""
    told = ""
    while True:
        try:
            changes = await asyncio.to_thread(reader.look)
        except JournalError as failure:
            if str(failure) != told:
                logger.warning("starts cannot be shown: %s; it is tried again", failure)
                index.apply(Changes(problems=[str(failure)], complete=index.complete))
                told = str(failure)
            await asyncio.sleep(PAUSE_S)
            continue
        told = ""
        for problem in changes.problems:
            logger.warning("passed over in the journal: %s", problem)
        index.apply(changes)
        await asyncio.sleep(BREATH_S if changes.more else POLL_S)
