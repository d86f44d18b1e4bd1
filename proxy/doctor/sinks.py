"""Whom copies of the record, and traces, go to: whether they can be reached. Nothing is sent to them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import quote, urlsplit

from proxy.doctor.ask import Asker
from proxy.doctor.model import Finding, fail, ok, skip, warn
from proxy.doctor.reach import reach
from proxy.settings import ClusterTls, GateSettings, StreamSink
from proxy.tls import cluster_context

KEPT = "records are kept and shipped when it is back; `startgate audit ship` says how far behind it is"


async def examine(settings: GateSettings) -> list[Finding]:
    """Each sink of the settings."""
    found = [one async for one in _each(settings)]
    return found or [ok("sinks", "none: the journal is the only copy of the record", "journal.sinks: docs/shipping.md")]


async def _each(settings: GateSettings) -> AsyncIterator[Finding]:
    sinks = settings.sinks
    if sinks.elasticsearch is not None:
        yield await _stream(settings, sinks.elasticsearch)
    if sinks.syslog is not None:
        yield await _reached("syslog", sinks.syslog.host, sinks.syslog.port, sinks.syslog.tls)
    if sinks.webhook is not None:
        yield await _url("webhook", sinks.webhook.url, sinks.webhook.tls)
    if sinks.stdout is not None:
        yield ok("sinks", "stdout: always there")
    if settings.tracing is not None:
        yield await _url("traces", settings.tracing.endpoint, ClusterTls(ca=settings.tracing.ca))


async def _stream(settings: GateSettings, stream: StreamSink) -> Finding:
    asker = Asker(replace(settings, service=stream.authorization or settings.service))
    try:
        told = await asker.ask(f"/_data_stream/{quote(stream.data_stream, safe='')}")
    finally:
        await asker.close()
    named = f"elasticsearch: {stream.data_stream}"
    if told.status == 200:
        return ok("sinks", f"{named} is there")
    if told.status == 404:
        return warn("sinks", f"{named} is not there yet", "`startgate audit ship --install` makes it with its template")
    if told.status == 403:
        return skip("sinks", f"{named}: not known: its credential lacks view_index_metadata on it")
    return fail("sinks", f"{named}: {told.why}", KEPT)


async def _url(name: str, url: str, tls: ClusterTls) -> Finding:
    address = urlsplit(url)
    secure = address.scheme == "https"
    port = address.port or (443 if secure else 80)
    return await _reached(name, address.hostname or "", port, tls if secure else None)


async def _reached(name: str, host: str, port: int, tls: ClusterTls | None) -> Finding:
    why = (await reach(host, port, None if tls is None else cluster_context(tls))).why
    if why:
        return warn("sinks", f"{name}: {host}:{port} cannot be reached: {why}", KEPT)
    return ok("sinks", f"{name}: {host}:{port} can be reached" + ("" if tls is not None else ", without TLS"))
