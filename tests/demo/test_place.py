"""What the demo sets up, and that nothing of it is left."""

import asyncio
import stat
from pathlib import Path

import pytest

from proxy import audit
from proxy.demo import data
from proxy.demo.client import Client
from proxy.demo.data import ANNA, BEN, SPRING, WINTER, Person
from proxy.demo.place import ADMIN, running
from proxy.embedded.security.store import KIBANA_PASSWORD
from proxy.errors import CannotServe, ExitStatus
from proxy.journal import read as journal


@pytest.mark.slow
async def test_everything_runs_and_nothing_is_left() -> None:
    async with running(0, 0) as place, Client(place.proxy) as client:
        for person in (ADMIN, ANNA, BEN):
            who = await client.send(person, "GET", "/_security/_authenticate")
            assert who.content["username"] == person.name
        assert place.config.service is not None
        assert stat.S_IMODE((place.folder / "api-key").stat().st_mode) == 0o600
        assert (place.folder / "startgate.yml").is_file()
        assert Path(place.config.journal).is_relative_to(place.folder)
        assert place.cluster != place.proxy
    assert not place.folder.exists()


@pytest.mark.slow
async def test_the_documented_service_credential_suffices_for_a_start_that_kibana_sends() -> None:
    """The caller is trusted, the owner's privileges are looked up, sources read and destination made as the service."""
    kibana = Person(name="kibana_system", password=KIBANA_PASSWORD, what="", role={})
    path = "/_ml/data_frame/analytics/flights"
    async with running(0, 0) as place, Client(place.proxy) as client:
        for index in (WINTER, SPRING):
            assert (await client.send(ADMIN, "PUT", f"/{index.name}", index.body())).status == 200
            await client.send(ADMIN, "POST", f"/{index.name}/_bulk?refresh=true", data.bulk_lines(index))
        assert (await client.send(ANNA, "PUT", path, data.job(WINTER, SPRING))).status == 200
        started = await client.send(kibana, "POST", f"{path}/_start")
        assert (started.status, started.reason) == (200, "")
        (start,) = journal.starts(Path(place.config.journal))
        told = dict(audit.details(start))
    assert told["decided on"] == "the index privileges of the job's owner, for whom a trusted intermediary asked"
    assert told["created as"] == "service"


@pytest.mark.parametrize("option", ["--port", "--cluster-port"])
async def test_a_taken_port_names_the_option_that_changes_it(option: str) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    taken = server.sockets[0].getsockname()[1]
    ports = (taken, 0) if option == "--port" else (0, taken)
    with pytest.raises(
        CannotServe, match=f"port {taken} of 127.0.0.1 is in use; choose another with {option}"
    ) as caught:
        async with running(*ports):
            pytest.fail("it must not run")
    assert caught.value.exit_status == ExitStatus.ADDRESS
    server.close()
    await server.wait_closed()
