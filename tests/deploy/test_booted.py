"""docs/deployment.md, command by command, on a machine whose process 1 is systemd; then what the unit promises."""

import contextlib
import json
import os
import re
import shutil
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from proxy.errors import ExitStatus
from tests.deploy import booted_probe
from tests.deploy.booted import Answer, CannotBootError, Client, Machine, booted, exchanged, until
from tests.deploy.booted_node import PORT
from tests.deploy.confined import unit
from tests.deploy.neighbours import ROOT, block, page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

NODE = "es01.example.org"
ETC = "etc/startgate"
PROGRAM = "/opt/startgate/bin/startgate"
UNIT_FILE = ROOT / "deploy/systemd/startgate.service"
UNITS = "etc/systemd/system"
NODE_UNIT = f"""[Service]
Type=notify
ExecStart=/opt/startgate/bin/python {ROOT}/tests/deploy/booted_node.py /srv/node.crt /srv/node.key
"""
# What has no meaning for a command that ends.
OF_A_SERVICE = ("ExecReload", "WatchdogSec", "Restart", "RestartSec", "RestartPreventExitStatus", "NotifyAccess")
# Fewer lines than journald takes of a service that does not ask for more; it allows a large disk six times as many.
BURST, LINES = 50, 1000
# On a slow machine it must not strike by itself, and the test waits for it once.
WATCHDOG_S = 5


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that Startgate is installed on, with its clients."""

    machine: Machine
    startgate: Client
    node: Client

    def start(self, job: str) -> Answer:
        """Makes a job of this name, and starts it through Startgate."""
        self.make(job)
        return self.startgate.ask("POST", f"/_ml/data_frame/analytics/{job}/_start")

    def make(self, job: str) -> None:
        """A job with a destination of its own."""
        body = {
            "source": {"index": "flights-1"},
            "dest": {"index": f"flights-outliers-{job}"},
            "analysis": {"outlier_detection": {}},
        }
        made = self.node.ask("PUT", f"/_ml/data_frame/analytics/{job}", body)
        assert made.status == 200, made.body

    def operator(self, words: str) -> str:
        """What an operator's command prints, run as the page says."""
        return self.machine.done(f"runuser -u startgate -- {PROGRAM} {words} --config /{ETC}/startgate.yml")

    def granted(self) -> set[str]:
        """The jobs of all starts that the record has as granted."""
        lines = self.operator("audit list --verdict granted --json").splitlines()
        return {json.loads(line)["startgate"]["job"]["id"] for line in lines}

    def main(self) -> int:
        """The process that systemd takes for the service."""
        return int(self.machine.shown("startgate", "MainPID"))

    def state(self) -> str:
        """The service's state."""
        return self.machine.shown("startgate", "ActiveState")

    def processes(self) -> list[int]:
        """All processes of the service, as the machine numbers them."""
        group = self.machine.shown("startgate", "ControlGroup")
        return [int(one) for one in self.machine.done(f"cat /sys/fs/cgroup{group}/cgroup.procs").split()]

    def restarted(self) -> None:
        """Good again, whatever a test did: no drop-in is left, and it serves."""
        self.machine.done(f"rm -rf /{UNITS}/startgate.service.d; systemctl daemon-reload; systemctl restart startgate")


@pytest.fixture(scope="module", name="host")
def installed_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Installed by the page's own commands, and serving."""
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("machine") / "memory"
        try:
            machine = stack.enter_context(booted(folder))
        except CannotBootError as error:
            if os.environ.get("STARTGATE_REQUIRE_REAL") == "1":
                raise
            pytest.skip(str(error))
        authority = trustme.CA()
        prepared(machine, authority)
        context = ssl.create_default_context()
        authority.configure_trust(context)
        host = Host(machine, Client(machine, 9400, context), Client(machine, PORT, context))
        for line in block(page("deployment.md"), "systemd", "python3").splitlines():
            machine.done(line, online=True)
        for line in block(page("deployment.md"), "systemd", "install").splitlines():
            machine.done(line)
        machine.done("systemctl daemon-reload && systemctl start node")
        given(host, authority)
        for line in block(page("deployment.md"), "systemd", "systemctl daemon-reload").splitlines():
            machine.done(line)
        yield host


def prepared(machine: Machine, authority: trustme.CA) -> None:
    """What a site has before: a name for the node, the node itself as a service, and a tight limit for logs."""
    root = machine.root
    with (root / "etc/hosts").open("a") as hosts:
        hosts.write(f"127.0.0.1 {NODE}\n")
    with_key(authority.issue_cert(NODE, "localhost"), root / "srv/node.crt", root / "srv/node.key")
    (root / UNITS / "node.service").write_text(NODE_UNIT)
    limits = root / "etc/systemd/journald.conf.d/tests.conf"
    limits.parent.mkdir()
    limits.write_text(f"[Journal]\nRateLimitIntervalSec=600\nRateLimitBurst={BURST}\n")
    machine.done("systemctl restart systemd-journald")


def with_key(made: trustme.LeafCert, certificate: Path, key: Path) -> None:
    """A certificate and its key as files."""
    made.private_key_pem.write_to_path(key)
    certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))


def given(host: Host, authority: trustme.CA) -> None:
    """What the page leaves to the reader: certificates and the credential, of the modes that it names. The nodes in the
    configuration are those of this site."""
    etc = host.machine.root / ETC
    authority.cert_pem.write_to_path(str(etc / "tls/cluster-ca.crt"))
    with_key(authority.issue_cert("localhost"), etc / "tls/startgate.crt", etc / "tls/startgate.key")
    # As docs/service-credential.md makes it.
    text = re.search(r"-d '(.*)'", block(page("service-credential.md"), "Make it", "curl"), re.DOTALL)
    assert text
    made = host.node.ask("POST", "/_security/api_key", json.loads(text[1]))
    (etc / "secrets/api-key").write_text(json.loads(made.body)["encoded"])
    host.machine.done(f"chgrp startgate /{ETC}/tls/* /{ETC}/secrets/*; chmod 0640 /{ETC}/tls/* /{ETC}/secrets/*")
    assert host.node.ask("PUT", "/flights-1", {"mappings": {"properties": {"delay": {"type": "float"}}}}).status == 200
    assert host.node.ask("PUT", "/flights-1/_doc/1?refresh=true", {"delay": 1.0}).status == 201


def drop_in(host: Host, text: str) -> None:
    """As `systemctl edit startgate` leaves it; in force from the next start on."""
    folder = host.machine.root / UNITS / "startgate.service.d"
    folder.mkdir(exist_ok=True)
    (folder / "override.conf").write_text(f"[Service]\n{text}\n")
    host.machine.done("systemctl daemon-reload")


def test_a_start_is_granted_and_recorded(host: Host) -> None:
    assert host.state() == "active"
    assert host.machine.shown("startgate", "UnitFileState") == "enabled"
    answered = host.start("recorded")
    assert answered.status == 200, answered.body + host.machine.log("startgate")
    assert "recorded" in host.granted()
    assert host.node.ask("GET", "/flights-outliers-recorded").status == 200
    host.operator("audit verify")


def test_the_pages_further_commands_work(host: Host) -> None:
    text = page("deployment.md").split("\n## systemd\n")[1]
    (told,) = re.findall(r"`sudo -u startgate ([^`]*)`", text)
    assert "revision" in host.machine.done(f"runuser -u startgate -- {' '.join(told.split())}")
    for line in block(page("deployment.md"), "systemd", "journalctl").splitlines():
        told = host.machine.done(line)
        if line.startswith("systemd-analyze security"):
            (figure,) = re.findall(r"calls it (\S+) of 10", text)
            (found,) = re.findall(r"Overall exposure level for startgate.service: (\S+) ", told)
            assert float(found) <= float(figure)
        else:
            assert "ready: https://" in told


def test_it_is_up_when_it_serves_and_not_before(host: Host) -> None:
    hosts = host.machine.root / "etc/hosts"
    there = hosts.read_text()
    host.machine.done("systemctl stop startgate")
    # Nobody listens there.
    hosts.write_text(there.replace(f"127.0.0.1 {NODE}", f"127.0.0.2 {NODE}"))
    try:
        host.machine.done("systemctl start --no-block startgate")
        until("it waits", lambda: "waiting for the cluster" in host.machine.shown("startgate", "StatusText"))
        assert host.state() == "activating"
        with pytest.raises(ConnectionRefusedError):
            host.machine.connected(9400)
    finally:
        hosts.write_text(there)
    # It comes back once systemd calls the service active: no second attempt at anything then.
    host.machine.done("systemctl start startgate")
    assert host.start("at-once").status == 200


def test_a_reload_brings_new_rules_and_fails_for_broken_ones(host: Host) -> None:
    folder = host.machine.root / ETC / "rules"
    good = (folder / "start.yml").read_text()
    main = host.main()
    guard = "  guards:\n    - {id: nobody, deny: 'job.id == \"today\"', message: Nobody starts this one.}\n"
    try:
        (folder / "start.yml").write_text(good.replace("  # Conditions in CEL", f"{guard}  # Conditions in CEL"))
        host.machine.done(f"{PROGRAM} seal /{ETC}/rules")
        host.machine.done("systemctl reload startgate")
        refused = host.start("today")
        assert (refused.status, "Nobody starts this one." in refused.body) == (403, True)
        (folder / "slip.yml").write_text("source: {raed: true}\n")
        broken = host.machine.run("systemctl reload startgate")
        assert broken.returncode != 0
        assert "slip.yml:1" in host.machine.log("startgate")
        # It serves on, and the earlier rules are in force.
        assert host.state() == "active"
        assert host.startgate.ask("POST", "/_ml/data_frame/analytics/today/_start").status == 403
    finally:
        (folder / "slip.yml").unlink(missing_ok=True)
        (folder / "start.yml").write_text(good)
    host.machine.done("systemctl reload startgate")
    assert host.startgate.ask("POST", "/_ml/data_frame/analytics/today/_start").status == 200
    assert host.main() == main


def test_whoever_kills_it_gets_another(host: Host) -> None:
    assert host.start("before-the-kill").status == 200
    before, count = host.processes(), int(host.machine.shown("startgate", "NRestarts"))
    host.machine.done(f"kill -KILL {host.main()}")
    until("it is restarted", lambda: int(host.machine.shown("startgate", "NRestarts")) == count + 1)
    until("it serves again", lambda: host.state() == "active")
    # Nothing of the first one is left beside the second.
    assert not set(before) & set(host.processes())
    assert host.start("after-the-kill").status == 200
    assert {"before-the-kill", "after-the-kill"} <= host.granted()
    host.operator("audit verify")


def test_what_says_nothing_any_more_is_replaced(host: Host) -> None:
    drop_in(host, f"WatchdogSec={WATCHDOG_S}")
    try:
        host.machine.done("systemctl restart startgate")
        main = host.main()
        host.machine.done(f"kill -STOP {main}")
        until("the watchdog strikes", lambda: "Watchdog timeout" in host.machine.log("startgate"))
        until("another serves", lambda: host.state() == "active" and host.main() not in {0, main})
    finally:
        host.restarted()
    assert host.start("after-the-watchdog").status == 200


def test_a_wrong_configuration_is_not_tried_again(host: Host) -> None:
    config = host.machine.root / ETC / "startgate.yml"
    good = config.read_text()
    try:
        config.write_text(good.replace("journal: {path:", "journal: {paht:"))
        assert host.machine.run("systemctl restart startgate").returncode != 0
        assert host.state() == "failed"
        assert host.machine.shown("startgate", "ExecMainStatus") == str(int(ExitStatus.INVALID))
        assert "startgate.yml:" in host.machine.log("startgate")
    finally:
        config.write_text(good)
    host.machine.done("systemctl start startgate")
    assert host.state() == "active"


def test_a_stop_lets_requests_in_flight_finish(host: Host) -> None:
    with contextlib.closing(host.startgate.connection()) as client:
        client.putrequest("POST", "/_security/_authenticate?pretty")
        client.endheaders()
        client.getresponse().read()
        # The head is there and half of the body: a request in flight.
        body = json.dumps({"delay": 2.0}).encode()
        client.putrequest("PUT", "/flights-1/_doc/2")
        client.putheader("authorization", "Basic ZWxhc3RpYzpjaGFuZ2VtZQ==")
        client.putheader("content-type", "application/json")
        client.putheader("content-length", str(len(body)))
        client.endheaders(body[:5])
        host.machine.done("systemctl stop --no-block startgate")
        until("it stops", lambda: "stopping" in host.machine.shown("startgate", "StatusText"))
        until("nobody new is taken", lambda: refused(host))
        assert host.state() == "deactivating"
        client.send(body[5:])
        assert client.getresponse().status == 201
    until("it is gone", lambda: host.state() == "inactive")
    assert host.machine.shown("startgate", "Result") == "success"
    host.machine.done("systemctl start startgate")


def refused(host: Host) -> bool:
    """Whether a new client is turned away."""
    try:
        host.machine.connected(9400).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_restart_loses_no_record(host: Host) -> None:
    jobs = [f"through-{number}" for number in range(60)]
    for job in jobs:
        host.make(job)
    granted: list[str] = []
    begun = threading.Event()

    def starts() -> None:
        for job in jobs:
            with contextlib.suppress(OSError):
                if host.startgate.ask("POST", f"/_ml/data_frame/analytics/{job}/_start").status == 200:
                    granted.append(job)
                    begun.set()

    clients = threading.Thread(target=starts)
    clients.start()
    assert begun.wait(60)
    host.machine.done("systemctl restart startgate")
    clients.join()
    assert granted
    assert set(granted) <= host.granted()
    host.operator("audit verify")


def test_journald_loses_no_line(host: Host) -> None:
    config = host.machine.root / ETC / "startgate.yml"
    good = config.read_text()
    try:
        config.write_text(good.replace("log: {format: json}", "log: {format: json, access: {path: stderr, sample: 1}}"))
        host.machine.done("systemctl restart startgate")
        with contextlib.closing(host.startgate.connection()) as client:
            for _ in range(LINES):
                assert exchanged(client, "HEAD", "/swallowed").status == 404
        until("all are told", lambda: host.machine.log("startgate").count('"/swallowed"') >= LINES)
    finally:
        config.write_text(good)
        host.restarted()
    # It is the unit that sees to it: a service that does not ask for it loses lines here.
    talker = host.machine.root / UNITS / "talker.service"
    talker.write_text(f"[Service]\nType=oneshot\nExecStart=/usr/bin/seq {LINES}\n")
    host.machine.done("systemctl daemon-reload; systemctl start talker")
    assert 0 < len(host.machine.log("talker").splitlines()) < LINES


def test_every_process_is_confined(host: Host) -> None:
    processes = host.processes()
    assert len(processes) > 3
    for process in processes:
        status = host.machine.done(f"cat /proc/{process}/status")
        told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")
        assert {told[name] for name in told if name.startswith("Cap")} == {"0" * 16}
        assert set(told["Uid"].split()) == {host.machine.done("id -u startgate").strip()}
        mounts = host.machine.done(f"cat /proc/{process}/mountinfo").splitlines()
        (top,) = (line.split() for line in mounts if line.split()[4] == "/")
        assert "ro" in top[5].split(",")


def test_the_sandbox_allows_what_is_needed_and_nothing_else(host: Host) -> None:
    root = host.machine.root
    # Not where it lies: that may be within what the unit hides, as its /tmp.
    probe = "/opt/startgate/booted_probe.py"
    shutil.copy(ROOT / "tests/deploy/booted_probe.py", root / probe.lstrip("/"))
    text = UNIT_FILE.read_text()
    # The same unit with another command, which ends; its folder in /run would go with it.
    text = re.sub(rf"^({'|'.join(OF_A_SERVICE)})=.*\n", "", text, flags=re.MULTILINE)
    text = text.replace("Type=notify", "Type=oneshot").replace("RuntimeDirectory=startgate", "RuntimeDirectory=probe")
    text = text.replace(unit(UNIT_FILE).one("ExecStart"), f"/opt/startgate/bin/python {probe}")
    (root / UNITS / "probe.service").write_text(text)
    host.machine.done("systemctl daemon-reload; systemctl start probe")
    (line,) = (line for line in host.machine.log("probe").splitlines() if line.startswith("{"))
    told = json.loads(line)
    assert {name: told[name] for name in booted_probe.ALLOWED} == dict.fromkeys(booted_probe.ALLOWED, "done")
    # What is no permission is a read-only file system, or an address family that there is not.
    kept = re.compile(r"PermissionError: |FileNotFoundError: |OSError: \[Errno (30|97)\] ")
    assert [f"{name}: {told[name]}" for name in booted_probe.REFUSED if not kept.match(told[name])] == []


def test_nothing_is_left_of_a_machine(tmp_path: Path) -> None:
    before = set(Path("/sys/fs/cgroup").rglob("startgate-tests-*"))
    init = 0
    with contextlib.suppress(ZeroDivisionError, CannotBootError), booted(tmp_path / "memory") as machine:
        init = machine.init
        (machine.root / "etc/left").write_text("")
        raise ZeroDivisionError
    assert not Path(f"/proc/{init or 'none'}").exists()
    assert not Path("/etc/left").exists()
    assert list((tmp_path / "memory").iterdir()) == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert set(Path("/sys/fs/cgroup").rglob("startgate-tests-*")) == before
