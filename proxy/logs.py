"""How processes log: one line an event, to standard error, in UTC, with the name of the process."""

import logging
import time

# elastic_transport reports every call at INFO, aiohttp every request: the journal is where starts are recorded.
QUIET = ("elastic_transport", "elasticsearch", "aiohttp.access")


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
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
