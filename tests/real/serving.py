"""`startgate serve` as an operator runs it: a process of its own, configured by a file, in front of a node."""

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

STOP_TIMEOUT_S = 20


class Served:
    """Runs while the `with` block does; `port` is where it listens, `journal` the folder of its records."""

    def __init__(self, folder: Path, node: str, more: str = "") -> None:
        self.journal = folder / "journal"
        self._config = folder / "startgate.yml"
        self._config.write_text(
            f"listen: 127.0.0.1:0\ncluster: {{nodes: ['{node}']}}\njournal: {{path: {self.journal}}}\n{more}"
        )
        self._log = folder / "stderr.log"
        self.port = 0

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "proxy", "serve", "--config", str(self._config)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout
        overdue = threading.Timer(STOP_TIMEOUT_S, self._process.kill)
        overdue.start()
        line = self._process.stdout.readline()
        overdue.cancel()
        found = re.search(r"ready: http://127\.0\.0\.1:(\d+)", line)
        if found is None:
            self.__exit__()
            raise RuntimeError(f"startgate serve did not start: {line}{self._log.read_text()}")
        self.port = int(found.group(1))
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        finally:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()

    def records(self) -> str:
        """Everything that was recorded so far."""
        return "".join(path.read_text() for path in sorted(self.journal.glob("*.jsonl")))
