"""The walk: denied, refused for a conflict, granted, stopped, started again; the record, and an explanation."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from proxy import audit
from proxy.audit import RECEIPT_SHOWN
from proxy.demo import data
from proxy.demo.client import Client, Got
from proxy.demo.data import ANNA, BEN, DESTINATION, JOB, MIXED_JOB
from proxy.demo.place import ADMIN, Place, running
from proxy.demo.show import Show, outlier_rows, settings_row
from proxy.embedded.app import basic
from proxy.errors import CannotServe, ExitStatus
from proxy.journal import read as journal
from proxy.journal.entry import Phase
from proxy.journal.query import result
from proxy.planned import explained
from proxy.planned.ask import EXPLANATION, Asking, ask

POLL_S = 0.05
# A job of 2,000 flights takes about two seconds; a machine under load much longer.
PATIENCE_S = 60.0
TOP = {"size": 5, "sort": [{"ml.outlier_score": "desc"}]}


def run(console: Console, *, once: bool, port: int, cluster_port: int, admin_port: int) -> int:
    """The whole demo; stays up until Ctrl-C unless `once`. Returns the exit status.

    Raises:
        CannotServe: a port is taken, or a step did not go as it should.
    """
    return asyncio.run(_run(Show(console), once=once, ports=(port, cluster_port, admin_port)))


async def _run(show: Show, *, once: bool, ports: tuple[int, int, int]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(*ports) as place, Client(place.proxy) as client:
        walking = asyncio.ensure_future(Walk(show, place, client).all())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({walking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not walking.done():
            walking.cancel()
            await asyncio.wait({walking})
            return ExitStatus.OK
        stopping.cancel()
        walking.result()
        if not once:
            place.take_time()
            _stay(show, place, client)
            await stop.wait()
    return ExitStatus.OK


def program() -> str:
    """How this program is called from where the reader stands."""
    if shutil.which("startgate"):
        return "startgate"
    called = Path(sys.argv[0]).absolute()
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def _stay(show: Show, place: Place, client: Client) -> None:
    show.console.print()
    show.title(
        "All of it stays up until Ctrl-C. Try it by hand:",
        [
            ("proxy", place.proxy),
            ("cluster", f"{place.cluster} (behind the proxy's back)"),
            ("users", ", ".join(f"{one.name}:{one.password}" for one in (ANNA, BEN, ADMIN))),
            ("page", f"{place.page} (sign in as one of these; {ADMIN.name} sees and may everything)"),
            ("record", f"{program()} audit list --journal {place.config.journal}"),
        ],
    )
    show.note(f"The job {JOB} has finished, and Elasticsearch does not start a finished job. Make it anew, and the")
    show.note("lines of steps 3 to 5 work again. It takes half a minute now, so that there is time to stop it.")
    job = f"/_ml/data_frame/analytics/{JOB}"
    for method, path, body in (
        ("DELETE", job, None),
        ("DELETE", f"/{DESTINATION}", None),
        ("PUT", job, data.job(data.WINTER, data.SPRING)),
    ):
        show.curl(client.curl(ANNA, method, path, body))
    # A reader, or a program, that waits for these lines must not wait for more to come.
    sys.stdout.flush()


class Walk:
    """The steps, in order. Each raises CannotServe where what it shows did not happen."""

    def __init__(self, show: Show, place: Place, client: Client) -> None:
        self.show = show
        self.place = place
        self.client = client
        self._number = 0

    async def all(self) -> None:
        """Every step."""
        self.show.title(
            "Startgate demo",
            [
                ("cluster", f"{self.place.cluster} (embedded, in memory)"),
                ("proxy", f"{self.place.proxy} (in front of it; everything below goes through it)"),
                ("config", str(self.place.folder / "startgate.yml")),
                ("journal", self.place.config.journal),
            ],
        )
        await self.load()
        await self.denied()
        await self.conflict()
        await self.granted()
        await self.stopped_and_started_again()
        await self.outliers()
        await self.record()
        await self.explained()

    async def load(self) -> None:
        """Indices, flights and jobs."""
        rows = []
        for index in data.INDICES:
            await self._sure(ADMIN, "PUT", f"/{index.name}", index.body())
            if lines := data.bulk_lines(index):
                loaded = await self._sure(ADMIN, "POST", f"/{index.name}/_bulk?refresh=true", lines)
                _demand(loaded.content["errors"] is False, f"loading {index.name} failed: {loaded.content}")
            origin = index.mappings["properties"]["origin"]["type"]
            rows.append((index.name, data.count(index), index.shards, index.replicas, origin))
        await self._sure(ANNA, "PUT", f"/_ml/data_frame/analytics/{JOB}", data.job(data.WINTER, data.SPRING))
        mixed = data.job(data.WINTER, data.ARCHIVE, destination=data.MIXED_DESTINATION)
        await self._sure(ANNA, "PUT", f"/_ml/data_frame/analytics/{MIXED_JOB}", mixed)
        self.show.facts((person.name, person.what) for person in data.PEOPLE)
        self.show.rows(("index", "flights", "shards", "replicas", "origin is"), rows)
        self.show.facts(
            [
                (JOB, f"a job: outliers of {data.WINTER.name} and {data.SPRING.name} into {DESTINATION}"),
                (MIXED_JOB, f"a job: outliers of {data.WINTER.name} and {data.ARCHIVE.name}"),
            ]
        )

    async def denied(self) -> None:
        """Somebody without the privileges."""
        self._step(
            "Denied", "ben may start jobs, but not read and write what this one does. All that is missing is named"
        )
        got = await self._start(BEN, JOB)
        _demand(got.status == 403, f"ben's start was answered with {got.status}")
        self.show.note("Elasticsearch itself asks for manage_ml alone: without the proxy, ben's start would have run.")

    async def conflict(self) -> None:
        """Sources whose mappings do not fit together."""
        self._step("Refused", "the two sources of this job map the field origin differently")
        got = await self._start(ANNA, MIXED_JOB)
        _demand(got.status == 400, f"the conflict was answered with {got.status}")

    async def granted(self) -> None:
        """A start as it should be."""
        self._step("Granted", f"anna may do all that the job does. {DESTINATION} is made before the start is forwarded")
        got = await self._start(ANNA, JOB)
        _demand(got.status == 200, f"anna's start was answered with {got.status}: {got.reason}")
        path = f"/{DESTINATION}/_settings"
        self.show.curl(self.client.curl(ANNA, "GET", path))
        made = await self._sure(ANNA, "GET", path)
        rows: list[tuple[str, int, int]] = [(one.name, one.shards, one.replicas) for one in (data.WINTER, data.SPRING)]
        self.show.rows(("index", "shards", "replicas"), [*rows, settings_row(DESTINATION, made.content)])
        self.show.note(
            "The destination has the most shards and replicas of its sources, as Elasticsearch would make it."
        )

    async def stopped_and_started_again(self) -> None:
        """A job in the middle of its analysis is stopped and goes on."""
        self._step("Stopped, and started again", "the job goes on; the destination is used as it is")
        await self._until("the analysis began", lambda job: _copied(job) and job["state"] == "started")
        stop = f"/_ml/data_frame/analytics/{JOB}/_stop"
        self.show.curl(self.client.curl(ANNA, "POST", stop))
        stopped = await self._sure(ANNA, "POST", stop)
        self.show.answer(stopped.status, _json(stopped))
        got = await self._start(ANNA, JOB)
        _demand(got.status == 200, f"the second start was answered with {got.status}: {got.reason}")
        self.show.note(f"On record: {self._why(got)}")
        await self._until("the job ended", lambda job: job["state"] == "stopped")

    async def outliers(self) -> None:
        """What the job found."""
        self._step("Done", "the flights that are least like the others, by delay (minutes) and distance (miles)")
        path = f"/{DESTINATION}/_search"
        self.show.curl(self.client.curl(ANNA, "POST", path, TOP))
        found = await self._sure(ANNA, "POST", path, TOP)
        self.show.rows(("date", "from", "to", "distance", "delay", "outlier score"), outlier_rows(found.content))

    async def record(self) -> None:
        """What the journal holds."""
        folder = self.place.config.journal
        self._step("On record", "who asked, what was decided and why, what was made, how the job ended")
        starts = await self._recorded()
        self.show.curl(f"{program()} audit list --journal {folder}")
        self.show.lines(audit.table(starts, "  "))
        self.show.curl(f"{program()} audit show --journal {folder} {starts[0].receipt[:RECEIPT_SHOWN]}")

    async def explained(self) -> None:
        """Why the first start was denied. Last, since who asks is on record as well."""
        self._step("Explained", "each requirement with the line of the rules that decided; nothing is started")
        line = f"{program()} explain {JOB} --url {self.place.proxy} --user {BEN.name}"
        self.show.curl(f"STARTGATE_PASSWORD={BEN.password} {line}")
        asking = Asking(url=self.place.proxy, authorization=basic(BEN.name, BEN.password))
        told = await ask(JOB, asking, EXPLANATION)
        _demand(told.status == 200 and not told.allowed, f"the question was answered with {told.status}")
        self.show.lines(Text.assemble("  ", line) if line else line for line in explained.lines(JOB, told))

    def _why(self, got: Got) -> str:
        """What the record of a start says of its destination."""
        start = journal.start(self.place.folder / "journal", got.receipt or "?")
        _demand(start is not None and Phase.OUTCOME in start.records, f"the start {got.receipt} is not on record")
        return "" if start is None else dict(audit.details(start)).get("destination", "nothing")

    async def _recorded(self) -> list[journal.Start]:
        """All four starts; those that were granted with their end, which is recorded a moment after it."""
        folder = self.place.folder / "journal"
        async with asyncio.timeout(PATIENCE_S):
            while True:
                starts = journal.starts(folder)
                granted = [start for start in starts if result(start) == "granted"]
                if len(starts) == 4 and all(Phase.END in start.records for start in granted):
                    return starts
                await asyncio.sleep(POLL_S)

    async def _start(self, who: data.Person, job: str) -> Got:
        path = f"/_ml/data_frame/analytics/{job}/_start"
        self.show.curl(self.client.curl(who, "POST", path))
        got = await self.client.send(who, "POST", path)
        self.show.answer(got.status, got.reason or _json(got), got.receipt)
        return got

    async def _sure(self, who: data.Person, method: str, path: str, body: object = None) -> Got:
        """A request that must succeed."""
        got = await self.client.send(who, method, path, body)
        _demand(got.status == 200, f"{method} {path} was answered with {got.status}: {got.reason}")
        return got

    async def _until(self, what: str, condition: Callable[[Any], bool]) -> None:
        """Looks at the job until something is so of its statistics."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition(await self._job()):  # noqa: ASYNC110 -- the cluster tells only who asks
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise CannotServe(1, f"waited {PATIENCE_S:g} s in vain until {what}") from None

    async def _job(self) -> Any:  # noqa: ANN401 -- decoded JSON
        """The job's statistics."""
        stats = await self._sure(ANNA, "GET", f"/_ml/data_frame/analytics/{JOB}/_stats")
        (job,) = stats.content["data_frame_analytics"]
        _demand(job["state"] != "failed", f"the job failed: {job.get('failure_reason')}")
        return job

    def _step(self, heading: str, what: str) -> None:
        self._number += 1
        self.show.step(self._number, heading, what)


def _copied(job: Any) -> bool:  # noqa: ANN401 -- decoded JSON
    return any(one["phase"] == "reindexing" and one["progress_percent"] == 100 for one in job["progress"])


def _json(got: Got) -> str:
    return ", ".join(f"{name}: {value}" for name, value in got.content.items())


def _demand(so: bool, otherwise: str) -> None:
    """The demo shows what is so; where it is not, it says that instead of showing something else."""
    if not so:
        raise CannotServe(1, f"the demo does not go as it should: {otherwise}")
