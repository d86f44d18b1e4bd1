"""The gate's process: an aiohttp application on a Unix socket that only the edge on this machine can reach."""

import asyncio
import functools
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from aiohttp import web
from multidict import CIMultiDict

from proxy.cluster.gateway import Gateway
from proxy.control.levels import LevelCalls
from proxy.control.recording import Recording
from proxy.control.rules import RuleCalls
from proxy.control.server import serving
from proxy.control.sinks import SinkCalls
from proxy.errors import ConfigError, Refusal, RulesError
from proxy.gate import flow, traced
from proxy.gate.arrival import RECEIPT_HEADER, arrived, sent_along
from proxy.gate.flight import Credentials, Flight, Judged
from proxy.gate.follow import Followers
from proxy.gate.meter import Meter, telling_of
from proxy.gate.observing import Observing
from proxy.gate.reconcile import Aftermath, reconcile
from proxy.gate.record_request import clients_span
from proxy.gate.rule_counts import RuleTally
from proxy.gate.rules_in_force import RulesInForce, RunCases, Source, no_cases
from proxy.gate.slow import SlowStarts
from proxy.gate.standing import Trigger
from proxy.gate.tally import Starts
from proxy.gate.trial import Trials
from proxy.gate.unix import leave, listen
from proxy.identity.conflicts import identity_conflicts
from proxy.identity.own import OwnIdentities
from proxy.journal.observed import observed
from proxy.journal.read import Start, unfinished
from proxy.journal.retention import retiring
from proxy.journal.screened import ScreenedJournal
from proxy.journal.standing import JournalStanding
from proxy.journal.writer import Journal, open_journal
from proxy.metrics.teller import Teller
from proxy.model import Answer, Credential, Job
from proxy.settings import GateSettings
from proxy.ship.fleet import Fleet, shipping
from proxy.tasks import spawn
from proxy.tracing.current import within
from proxy.tracing.load import Tracer, tracer_of

logger = logging.getLogger(__name__)

# What the edge lets through must not be refused here for its size (EdgeLimits.request_head_bytes, .headers).
HEAD_LIMIT_BYTES = 128 * 1024
HEADERS_LIMIT = 2000
# For the answers of starts that are through to be written; aiohttp waits for this twice.
LAST_ANSWERS_S = 0.5
# What aiohttp adds to an answer by itself.
ADDED_HEADERS = ("Server", "Date", "Content-Type")
# Under this a response carries the names of the headers that the answer itself has.
ANSWERED = web.ResponseKey("answered", frozenset[str])


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def ticks_s(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()


class Gate:
    """One gate: the rules in force, the open journal, the way to the cluster, and the starts under way."""

    def __init__(
        self,
        settings: GateSettings,
        rules: RulesInForce,
        journal: ScreenedJournal,
        cluster: Gateway,
        own: OwnIdentities | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._rules = rules
        self._tracer = tracer
        self._own = own
        self._settings = settings
        self._journal = journal
        self._cluster = cluster
        self._clock = SystemClock()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._flights: set[asyncio.Task[Answer]] = set()
        self.starts = Starts()
        self._slow = SlowStarts(settings.slow_start_s)
        self.rule_tally = RuleTally(lambda: rules.current, self._clock)
        self._followers = Followers(cluster, journal, self._clock, settings.limits)
        self._reconciling: asyncio.Task[None] | None = None
        # The newest start of each job that was granted while an earlier process's are being closed.
        self._since: dict[str, str] | None = {}
        self.observing = Observing(cluster, journal, self._clock, service=settings.service, own=own)
        self._world = flow.World(
            cluster=cluster,
            journal=journal,
            clock=self._clock,
            limits=settings.limits,
            service=settings.service,
            started=self._started,
            own=own,
            owners=self.observing.owners,
            repeated=self.observing.repeated,
            answered=self._count,
            owes=self._followers.owed.later,
        )

    async def handle(self, request: web.Request) -> web.Response:
        """One start. A client that hangs up does not interrupt it: an effect must get its outcome.

        The rules are taken once, as one value: whatever is reloaded meanwhile, no start is judged by a mixture.
        """
        rules = self._rules.current
        path, receipt = request.raw_path.partition("?")[0], request.headers.get(RECEIPT_HEADER, "")
        span = traced.begun(self._tracer, sent_along(request), path, receipt)
        try:
            start = arrived(request, await self._body(request), span)
            work = flow.start(start, rules, self._world, self._lock)
        except Refusal as refusal:
            start = arrived(request, b"", span)
            work = flow.turn_away(start, refusal, rules, self._world)
        with within(span, clients_span(start)):
            flight = spawn(traced.finished(span, work), name="start")
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)
        return _response(await asyncio.shield(flight))

    async def _body(self, request: web.Request) -> bytes:
        """The whole body. Nobody is known yet, so who drips it in must not keep a connection for long."""
        limits = self._settings.limits
        try:
            async with asyncio.timeout(limits.start_body_s):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            text = f"the body of a start is limited to {limits.start_body_bytes} bytes (limits.gate.start_body_bytes)"
            raise Refusal(413, "content_too_long_exception", text) from None
        except TimeoutError:
            text = f"the body of the start did not arrive within {limits.start_body_s:g} s (limits.gate.start_body_s)"
            raise Refusal(408, "timeout_exception", text) from None
        except OSError:  # what aiohttp raises where the connection is lost
            raise Refusal(400, "illegal_argument_exception", "the connection was lost before the body came") from None

    def _count(self, flight: Flight, answer: Answer) -> None:
        self.starts.note(flight, answer)
        self.rule_tally.note(flight)
        self._slow.note(flight, answer)
        traced.note(flight, answer)

    def _lock(self, job_id: str) -> asyncio.Lock:
        lock = self._locks.get(job_id)
        if lock is None:
            lock = self._locks[job_id] = asyncio.Lock()
        return lock

    def _started(self, job: Job, credentials: Credentials, receipt: str, judged: Judged | None) -> None:
        if self._since is not None:
            self._since[job.id] = receipt
        self._followers.follow(job, credentials, receipt, judged)

    def reconcile(self, past: Sequence[Start]) -> None:
        """Close, in the background, what an earlier process left open."""
        service = self._settings.service
        credential = Credential(whose="service", headers=(("authorization", service),)) if service else None
        aftermath = Aftermath(
            cluster=self._cluster,
            journal=self._journal,
            clock=self._clock,
            service=credential,
            follow=self._followers.follow,
            lock=self._lock,
            since=lambda job_id: self._since.get(job_id) if self._since is not None else None,
        )
        self._reconciling = spawn(self._reconcile(past, aftermath), name="reconcile")

    async def _reconcile(self, past: Sequence[Start], aftermath: Aftermath) -> None:
        await reconcile(past, aftermath)
        self._since = None

    @property
    def in_flight(self) -> int:
        """How many starts are under way."""
        return len(self._flights)

    async def drain(self) -> None:
        """Let starts and observed calls under way finish, within one limit for both: the supervisor waits for no
        longer."""
        limit_s = self._settings.limits.drain_s
        observed = spawn(self.observing.drain(limit_s), name="drain observed calls")
        if self._flights:
            await asyncio.wait(self._flights, timeout=limit_s)
        await observed

    async def close(self) -> None:
        """Give everything free; jobs are not followed any longer by this process."""
        if self._reconciling is not None:
            self._reconciling.cancel()
            await asyncio.gather(self._reconciling, return_exceptions=True)
        await self._followers.close()
        if self._own is not None:
            self._own.close()
        await self._cluster.close()
        await self.observing.close()
        await self._journal.close()
        await traced.close(self._tracer)


def _response(answer: Answer) -> web.Response:
    headers = CIMultiDict((name, value) for name, value in answer.headers if name.lower() != "content-length")
    response = web.Response(status=answer.status, headers=headers, body=answer.body)
    response[ANSWERED] = frozenset(name.lower() for name in headers)
    return response


async def _only_what_was_answered(_request: web.Request, response: web.StreamResponse) -> None:
    """The answer is the cluster's, byte for byte: what aiohttp would add to it is taken off again."""
    for name in ADDED_HEADERS:
        if name.lower() not in response.get(ANSWERED, frozenset()):
            response.headers.pop(name, None)


def make_app(gate: Gate, start_body_bytes: int) -> web.Application:
    """The application: whatever client's request reaches the socket is a start, the edge has routed it."""
    app = web.Application(client_max_size=start_body_bytes)
    gate.observing.add_to(app)
    # With line ends: an id may hold one, and has to be refused on record.
    app.router.add_post("/{anything:(?s:.*)}", gate.handle)
    app.on_response_prepare.append(_only_what_was_answered)
    return app


def _runner(gate: Gate, settings: GateSettings) -> web.AppRunner:
    return web.AppRunner(
        make_app(gate, settings.limits.start_body_bytes),
        access_log=None,
        max_line_size=HEAD_LIMIT_BYTES,
        max_field_size=HEAD_LIMIT_BYTES,
        max_headers=HEADERS_LIMIT,
        auto_decompress=False,
        shutdown_timeout=LAST_ANSWERS_S,
    )


async def run(
    settings: GateSettings,
    stop: asyncio.Event,
    ready: Callable[[], None],
    reload: asyncio.Event,
    run_cases: RunCases = no_cases,
    teller: Teller | None = None,
    trials: Trials | None = None,
) -> None:
    """Serve until `stop` is set, then drain. `ready` is called once starts are taken; `reload` set means: read the
    rules again. `run_cases` runs the cases beside the rules: rules that fail one never come into force.
    `teller` tells what is counted; `trials` tries cases that are sent to the control socket.

    Raises:
        RulesError, ConfigError: the rules, users or TLS files are broken; JournalError: the journal cannot be used;
        CannotServe, OSError: the socket is in use, or cannot be made. Nothing is served then.
    """
    identity = settings.identity
    conflicts = functools.partial(identity_conflicts, identity)
    source = Source(path=Path(settings.rules), keys=settings.break_glass_keys, cases=run_cases, conflicts=conflicts)
    taken, cases = await asyncio.to_thread(source.take)
    if taken.rules is None:
        raise RulesError(taken.faults)
    own = OwnIdentities(identity) if identity is not None else None
    written = open_journal(Path(settings.journal), settings.journaling)
    journal = ScreenedJournal(written, settings.masking)
    try:
        cluster = _gateway(settings)
    except ConfigError:
        await journal.close()
        raise
    rules = RulesInForce(source, taken, cases, journal, SystemClock())
    tracer = tracer_of(settings.tracing)
    gate = Gate(settings, rules, journal, cluster, own, tracer)
    runner = _runner(gate, settings)
    await runner.setup()
    try:
        past = await asyncio.to_thread(unfinished, Path(settings.journal))
        await asyncio.to_thread(lambda: gate.observing.remember(observed(Path(settings.journal))))
        await listen(runner, Path(settings.socket), "gate.socket")
        async with (
            shipping(settings, lambda: written.standing().seq) as fleet,
            _kept(
                RuleCalls(rules=rules, counts=gate.rule_tally.counts, trials=trials),
                settings,
                reload,
                written.standing,
                _calls(journal, fleet),
            ),
            retiring(written, settings.journaling, [one.sink for one in fleet.status()]),
            telling_of(teller, _meter(gate, rules, written, fleet, tracer)),
        ):
            gate.reconcile(past)
            ready()
            await stop.wait()
    finally:
        await _end(runner, gate, Path(settings.socket))


async def _end(runner: web.AppRunner, gate: Gate, socket: Path) -> None:
    """Take nothing more, finish what was taken, and close. A socket that was never ours stays."""
    ours = list(runner.sites)
    for site in ours:
        await site.stop()
    await gate.drain()
    await leave(runner, socket if ours else None)
    await gate.close()


def _calls(journal: ScreenedJournal, fleet: Fleet) -> tuple[web.RouteDef, ...]:
    """What is asked by the control socket beside rules and journal."""
    recorded = (*Recording(journal.append).routes(), *LevelCalls(journal.append).routes())
    return (*recorded, *SinkCalls(fleet.status).routes())


def _meter(gate: Gate, rules: RulesInForce, journal: Journal, fleet: Fleet, tracer: Tracer | None) -> Meter:
    return Meter(
        starts=gate.starts,
        rule_tally=gate.rule_tally,
        in_flight=lambda: gate.in_flight,
        rules=rules.standing,
        journal=journal.standing,
        fsyncs=journal.fsyncs,
        sinks=fleet.status,
        spans=lambda: None if tracer is None else tracer.counts,
    )


@asynccontextmanager
async def _kept(
    calls: RuleCalls,
    settings: GateSettings,
    reload: asyncio.Event,
    journal: Callable[[], JournalStanding],
    more: Iterable[web.RouteDef],
) -> AsyncIterator[None]:
    """Have rules read again meanwhile, by whatever way. Raises as `control.server.serving`."""
    rules = calls.rules
    control = Path(settings.control) if settings.control is not None else None
    async with serving(control, calls, journal, more):
        tasks = [spawn(_reload_on(reload, rules), name="reload on signal")]
        if settings.watch_s is not None:
            tasks.append(spawn(rules.watch(settings.watch_s), name="watch rules"))
        try:
            yield
        finally:
            # An attempt under way is given up: what it read would be in force for nobody.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            rules.close()


def _gateway(settings: GateSettings) -> Gateway:
    service = Credential(whose="service", headers=(("authorization", settings.service),)) if settings.service else None
    return Gateway(
        settings.nodes,
        tls=settings.cluster_tls,
        service=service,
        call_timeout_s=settings.limits.cluster_call_s,
        limits=settings.limits,
    )


async def _reload_on(reload: asyncio.Event, rules: RulesInForce) -> None:
    """Read the rules again whenever `reload` is set. Signals that come while that is under way make one more time."""
    while True:
        await reload.wait()
        reload.clear()
        await rules.reload(Trigger.SIGNAL)
