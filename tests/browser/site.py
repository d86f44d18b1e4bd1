"""A whole Startgate to look at: `startgate serve` with a configuration of its own before an embedded cluster, and what
people did with it."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from proxy.demo import data
from proxy.demo.data import ANNA, BEN, Person
from proxy.demo.place import ADMIN, HOST
from proxy.embedded.app import Cluster, basic, serve_embedded
from tests.browser.beside import Beside
from tests.real.serving import Served

RULES = Path(__file__).parent.parent.parent / "rules"
PATIENCE_S = 60.0
# Long enough to see a job run, short enough to see it end.
JOB_PACE_S = 0.15
RITA = Person(name="rita", password="rita-demo", what="an auditor", role={"cluster": ["manage_security"]})
# Nobody but the test of sessions that end is signed in as lena; nobody at all as mallory.
LENA = Person(name="lena", password="lena-demo", what="somebody who leaves", role={"cluster": ["all"]})
PEOPLE = (ANNA, BEN, RITA, LENA)
# A field of the sources whose name was chosen by somebody who means no good.
FIELD = "<img src=x onerror=alert(1)>"
HOSTILE_JOB = "hostile"
# Never started: its plan is to make something.
NEW_JOB = "flights-new"
COMMENT = "# </code></div><script>alert(1)</script>\n"
GUESSES = 5
# Denies nobody, and is counted.
GUARD = """
  guards:
    - id: memory
      mode: shadow
      deny: job.model_memory_limit_bytes > 16 * mib
      message: More than 16 MiB of memory.
"""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call was answered with, and when, by the clock on the wall."""

    status: int
    body: Any
    receipt: str
    at: float


def until(look: Callable[[], Found | None]) -> Found:
    """What `look` finds, once it finds something."""
    overdue = time.monotonic() + PATIENCE_S
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < overdue, "waited in vain"
        time.sleep(0.05)


class Site:
    """Runs while the `with` block does. `page` is the address of the admin page, `rules` the folder of the rules that
    are in force, and may be changed; `receipts` are those of the starts that were made at first, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.rules = folder / "rules"
        self.receipts: dict[str, str] = {}
        self._around = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as around:
            self._sealed()
            self._beside: Beside[Cluster] = around.enter_context(
                Beside(lambda: serve_embedded(HOST, 0, job_pace_s=JOB_PACE_S))
            )
            self.cluster = self._beside.made
            key = self._people()
            (self._folder / "api-key").touch(mode=0o600)
            (self._folder / "api-key").write_text(key)
            self._served = around.enter_context(self._serve())
            self._fill()
            self._around = around.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._around.close()

    def _sealed(self) -> None:
        """The shipped rules with a guard, sealed as every rule that adds a check."""
        self.rules.mkdir()
        path = self.rules / "start.yml"
        path.write_text((RULES / "start.yml").read_text() + GUARD + COMMENT)
        subprocess.run([sys.executable, "-m", "proxy", "seal", path], check=True, capture_output=True)

    def _serve(self) -> Served:
        port = _free_port()
        self.page = f"http://{HOST}:{port}"
        more = (
            f"rules: {self.rules}\n"
            "rules_watch: {enabled: false}\n"
            f"admin: {{listen: '{HOST}:{port}'}}\n"
            f"limits: {{gate: {{follow_up_poll_s: 0.25}}, "
            f"admin: {{sign_in_failures: 100, sign_in_failures_per_user: {GUESSES}}}}}\n"
            "log: {level: error}\n"
        )
        return Served(self._folder, self.cluster.url, more)

    def _people(self) -> str:
        """Everybody, and the key of Startgate itself."""
        for person in PEOPLE:
            self.cluster.add_role(person.name, person.role)
            self.cluster.add_user(person.name, person.password, [person.name])
        return self.cluster.add_api_key("startgate", {"startgate": {"cluster": ["all"], "indices": [_ALL]}})

    def call(self, method: str, path: str, body: object = None, *, who: Person = ADMIN, **headers: str) -> Reply:
        """One call through the proxy."""
        connection = http.client.HTTPConnection(HOST, self._served.port, timeout=PATIENCE_S)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["authorization"] = basic(who.name, who.password)
        if body is not None:
            sent["content-type"] = "application/json"
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, raw, sent)
            answer = connection.getresponse()
            text, at = answer.read(), time.time()
        finally:
            connection.close()
        return Reply(answer.status, json.loads(text or b"null"), answer.headers["X-Startgate-Receipt"] or "", at)

    def sure(self, method: str, path: str, body: object = None, *, who: Person = ADMIN) -> Any:
        """A call that must succeed; its answer."""
        reply = self.call(method, path, body, who=who)
        assert 200 <= reply.status < 300, (method, path, reply)
        return reply.body

    def start(self, job: str, who: Person = ANNA, **headers: str) -> Reply:
        """Starts a job."""
        return self.call("POST", f"/_ml/data_frame/analytics/{job}/_start", who=who, **headers)

    def job(self, job: str, body: object, who: Person = ANNA) -> None:
        """Makes a job."""
        self.sure("PUT", f"/_ml/data_frame/analytics/{job}", body, who=who)

    def ended(self, job: str) -> None:
        """Returns once a job has ended."""

        def stands() -> bool:
            [one] = self.sure("GET", f"/_ml/data_frame/analytics/{job}/_stats")["data_frame_analytics"]
            return one["state"] in ("stopped", "failed")

        until(stands)

    def _fill(self) -> None:
        for index in data.INDICES:
            self.sure("PUT", f"/{index.name}", index.body())
            if lines := data.bulk_lines(index):
                self.sure("POST", f"/{index.name}/_bulk?refresh=true", lines)
        for name, kind in (("hostile-a", "keyword"), ("hostile-b", "text")):
            self.sure("PUT", f"/{name}", {"mappings": {"properties": {FIELD: {"type": kind}}}})
        self.job(data.JOB, data.job(data.WINTER, data.SPRING))
        self.job(data.MIXED_JOB, data.job(data.WINTER, data.ARCHIVE, destination=data.MIXED_DESTINATION))
        self.job(NEW_JOB, data.job(data.WINTER, data.SPRING, destination=f"{data.DESTINATION}-new"))
        self.job(HOSTILE_JOB, _hostile(), who=ADMIN)
        wanted = (("denied", data.JOB, BEN, 403), ("conflict", data.MIXED_JOB, ANNA, 400))
        for name, job, who, status in (*wanted, ("granted", data.JOB, ANNA, 200), ("hostile", HOSTILE_JOB, ADMIN, 400)):
            reply = self.start(job, who, X_Opaque_Id=f"nightly-{name}")
            assert reply.status == status, reply
            self.receipts[name] = reply.receipt
        self.ended(data.JOB)


_ALL = {"names": ["*"], "privileges": ["read", "view_index_metadata", "create_index", "manage", "delete_index"]}


def _hostile() -> dict[str, Any]:
    return {
        "source": {"index": ["hostile-a", "hostile-b"]},
        "dest": {"index": "hostile-out"},
        "analysis": {"outlier_detection": {}},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
