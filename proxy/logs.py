"""How processes log: one line an event, to standard error, in UTC, with the name of the process."""

import logging
import time

# aiohttp tells every request at INFO, elastic_transport every call, and at WARNING every node that does not answer:
# starts are recorded in the journal, and what comes of a silent node is said by whoever asked it.
QUIET = {"aiohttp.access": logging.WARNING, "elastic_transport": logging.ERROR, "elasticsearch": logging.ERROR}


def configure(process: str, level: int = logging.INFO) -> None:
    """Sets logging up for this process; `process` stands in every line, such as `edge-1`."""
    formatter = logging.Formatter(
        f"%(asctime)s.%(msecs)03dZ %(levelname)s {process}: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(least)
