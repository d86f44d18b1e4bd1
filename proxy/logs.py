"""How processes log: one line an event, to standard error, in UTC, with the name of the process."""

import logging
import time

from proxy.text import plain

# aiohttp tells every request at INFO, elastic_transport every call, and at WARNING every node that does not answer:
# starts are recorded in the journal, and what comes of a silent node is said by whoever asked it.
QUIET = {"aiohttp.access": logging.WARNING, "elastic_transport": logging.ERROR, "elasticsearch": logging.ERROR}


class OneEvent(logging.Formatter):
    """What an event says cannot pass for another event: its further lines are indented, control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one event."""
        lines = super().format(record).split("\n")
        return "\n    ".join(plain(line) for line in lines)


def configure(process: str, level: int = logging.INFO) -> None:
    """Sets logging up for this process; `process` stands in every line, such as `edge-1`."""
    formatter = OneEvent(f"%(asctime)s.%(msecs)03dZ %(levelname)s {process}: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(least)
