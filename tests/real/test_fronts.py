"""The genuine nginx, HAProxy and Envoy read what is exported for them, and lead each target where it belongs."""

import re
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme

from proxy.fronts.model import Address, Front, Upstream, UpstreamTls
from proxy.fronts.ordinary import HINTS, SNIFFING, ordinary
from proxy.settings import EdgeLimits
from tests.real.fronts import HAPROXY, NGINX, PROGRAMS, Program, Running, free_port
from tests.real.fronts_campaign import near
from tests.real.fronts_echo import Echo
from tests.real.http2 import Connection
from tests.real.spellings.targets import targets

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

each = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
NAME = "es.example.org"
TIMEOUT_S = 30
ORDINARY = (
    b"/",
    b"/_search?size=0",
    b"/logs-*,-logs-2020/_search",
    b"/a%2Cb/_search",
    b"/%3Clogs-%7Bnow%2Fd%7D%3E/_doc",
    b"//a/./b/../c//",
    b"/x?q=%64ata%5fframe;[]",
    b"/_ml/anomaly_detectors/x/_open",
    b"/" + b"a_b" * 1000,
)


TARGETS = (*ORDINARY, *targets().values())
# Envoy holds a connection that it refuses for a second.
AT_ONCE = 24


@dataclass(frozen=True)
class Certificates:
    """PEM files: the authority, one for `NAME`, its key where HAProxy looks for it, and the same for clients."""

    ca: Path
    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates on the disk."""
    folder = tmp_path_factory.mktemp("pem")
    authority, made = trustme.CA(), Certificates(folder / "ca", folder / "front", folder / "front.key")
    issued = authority.issue_cert(NAME)
    authority.cert_pem.write_to_path(made.ca)
    issued.cert_chain_pems[0].write_to_path(made.certificate)
    issued.private_key_pem.write_to_path(made.key)
    return made


def server_context(pem: Certificates) -> ssl.SSLContext:
    """TLS as a node or Startgate has it that asks for client certificates."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pem.ca))
    context.load_cert_chain(pem.certificate, pem.key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def tls_of(pem: Certificates, **more: str) -> UpstreamTls:
    """What a front needs for such a server."""
    files = {"ca": str(pem.ca), "certificate": str(pem.certificate), "key": str(pem.key)}
    return UpstreamTls(**{**files, "names": (NAME,), "server_name": NAME, **more})  # type: ignore[arg-type]


@contextmanager
def led(
    program: Program, folder: Path, front: Front | None = None, context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """The port of a front before two servers that say who they are; `front` is what is asked for beside addresses."""
    with ExitStack() as stack:
        nodes, startgate = (stack.enter_context(Echo(name, context)) for name in ("nodes", "startgate"))
        made = asked(front, free_port(), nodes.port, startgate.port)
        stack.enter_context(Running(program, program.text(made), made.listen.port, folder))
        yield made.listen.port


def asked(front: Front | None, port: int, nodes: int, startgate: int) -> Front:
    """`front` with these ports on the loopback."""
    plain = front or Front(listen=near(0), nodes=Upstream(servers=()), startgate=Upstream(servers=()))
    return replace(
        plain,
        listen=near(port),
        nodes=replace(plain.nodes, servers=(near(nodes),)),
        startgate=replace(plain.startgate, servers=(near(startgate),)),
    )


def ask(port: int, data: bytes, ca: Path | None = None) -> bytes:
    """All that comes back for these bytes until the other side ends it."""
    with ExitStack() as stack:
        peer: socket.socket = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S))
        if ca is not None:
            context = ssl.create_default_context(cafile=str(ca))
            peer = stack.enter_context(context.wrap_socket(peer, server_hostname=NAME))
        peer.sendall(data)
        heard = b""
        while more := peer.recv(65536):
            heard += more
    return heard


def request(target: bytes, method: bytes = b"POST", *headers: bytes) -> bytes:
    """A request that ends its connection."""
    lines = (b"%b %b HTTP/1.1" % (method, target), b"Host: es.example.org:9200", b"Connection: close", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def told(answer: bytes) -> tuple[bytes, bytes]:
    """Who answered, and the request line that arrived there; both empty where the front answered by itself."""
    found = re.search(rb"\r\n\r\n(nodes|startgate)\n([^\r\n]*)\r\n", answer)
    return (found[1], found[2]) if found else (b"", b"")


class TestChecks:
    @each
    def test_the_plain_one(self, program: Program, tmp_path: Path) -> None:
        assert program.checked(program.text(asked(None, 9200, 9201, 9400)), tmp_path) == ""

    @each
    def test_all_that_can_be_asked_for(self, program: Program, pem: Certificates, tmp_path: Path) -> None:
        tls = tls_of(pem, min_version="1.3")
        servers = (near(9201), Address(host="::1", port=9202), Address(host="localhost", port=9203))
        front = Front(
            listen=Address(host="::", port=9200),
            nodes=Upstream(servers=servers, tls=tls),
            startgate=Upstream(servers=(near(9400), near(9401)), tls=tls, proxy_header=program is not NGINX),
            certificate=str(pem.certificate),
            key=str(pem.key),
            http2=True,
            remove=("X-User", "X-Roles"),
            hints=(*HINTS, SNIFFING),
            limits=EdgeLimits(client_head_s=0.25, upstream_age_s=0, headers=10_000, request_head_bytes=200_000),
        )
        assert program.checked(program.text(front), tmp_path) == ""

    @each
    @pytest.mark.parametrize("verify", ["certificate", "fingerprint", "unsafe_none"])
    def test_ways_to_check_nodes(self, program: Program, verify: str, pem: Certificates, tmp_path: Path) -> None:
        able = {"nginx": {"unsafe_none"}, "haproxy": {"unsafe_none", "certificate"}}
        if verify not in able.get(program.name, {verify}):
            pytest.skip("it cannot: tests/fronts holds that this is refused")
        tls = tls_of(pem, verify=verify)
        tls = replace(tls, names=(), fingerprints=("ab" * 32,) if verify == "fingerprint" else ())
        front = asked(None, 9200, 9201, 9400)
        front = replace(front, nodes=replace(front.nodes, tls=tls))
        assert program.checked(program.text(front), tmp_path) == ""

    @each
    def test_the_check_can_fail(self, program: Program, tmp_path: Path) -> None:
        assert program.checked(program.text(asked(None, 9200, 9201, 9400)) + "\nnonsense {\n", tmp_path) != ""


class TestTargets:
    @each
    def test_each_goes_where_it_belongs_and_arrives_as_it_came(self, program: Program, tmp_path: Path) -> None:
        asked_for = [(method, target) for target in TARGETS for method in (b"POST", b"GET")]
        with led(program, tmp_path) as port, ThreadPoolExecutor(AT_ONCE) as pool:
            heard = list(pool.map(lambda one: told(ask(port, request(one[1], one[0]))), asked_for))
        for (method, target), (who, line) in zip(asked_for, heard, strict=True):
            # A front may refuse it, or take an absolute form apart; what it hands on is judged as it is handed on.
            handed_on = line.removeprefix(method + b" ").removesuffix(b" HTTP/1.1")
            assert handed_on == target or not line or b"://" in target
            assert who in ((b"nodes",) if ordinary(handed_on) else (b"", b"startgate")), target
        kept = sum(who == b"nodes" for who, _ in heard)
        assert kept >= 2 * sum(map(ordinary, TARGETS)) > 0

    @each
    @pytest.mark.parametrize(
        "target",
        [
            b"/_ml/data_frame/analytics/x/_start",
            b"/_ml/data_frame/analytics/x/_start/",
            b"/_ml/data_frame/analytics/x/_start?timeout=1s",
            b"/_ml//data_frame/analytics/x/_start",
            b"/x/../_ml/data_frame/analytics/x/_start",
            b"/_ml/%64ata_frame/analytics/x/_start",
            b"/_ml/data_frame/analytics/a%2Fb/_start",
            b"/_ml/DATA_FRAME/analytics/x/_START",
            b"/_ml/data_frame/analytics/x;a=b/_start",
            b"/_xpack/ml/data_frame/analytics/x/_start",
        ],
    )
    def test_spellings_of_a_start_arrive_at_startgate_as_they_came(
        self, program: Program, target: bytes, tmp_path: Path
    ) -> None:
        with led(program, tmp_path) as port:
            for method, more in ((b"POST", b"X-A: b"), (b"GET", b"X-HTTP-Method-Override: POST")):
                assert told(ask(port, request(target, method, more))) == (
                    b"startgate",
                    b"%b %b HTTP/1.1" % (method, target),
                )

    @each
    @pytest.mark.parametrize("end", [b"/_ml/data_frame/analytics/x/_start", b"/_search"])
    def test_absolute_forms_are_decided_by_what_is_handed_on(
        self, program: Program, end: bytes, tmp_path: Path
    ) -> None:
        with led(program, tmp_path) as port:
            who, line = told(ask(port, request(b"http://es.example.org:9200" + end)))
        handed_on = line.split(b" ")[1]
        assert handed_on.endswith(end)
        assert who == (b"nodes" if ordinary(handed_on) else b"startgate")

    @each
    def test_tunnels_are_not_made(self, program: Program, tmp_path: Path) -> None:
        with led(program, tmp_path) as port:
            assert (
                told(ask(port, b"CONNECT es:9200 HTTP/1.1\r\nHost: es:9200\r\nConnection: close\r\n\r\n"))[0]
                != b"nodes"
            )

    @each
    def test_sniffing(self, program: Program, tmp_path: Path) -> None:
        front = Front(
            listen=near(0), nodes=Upstream(servers=()), startgate=Upstream(servers=()), hints=(*HINTS, SNIFFING)
        )
        with led(program, tmp_path, front) as port:
            assert told(ask(port, request(b"/_nodes/http", b"GET")))[0] == b"startgate"
            assert told(ask(port, request(b"/", b"GET")))[0] == b"nodes"


class TestHeaders:
    @each
    def test_what_clients_say_of_themselves_is_not_believed(self, program: Program, tmp_path: Path) -> None:
        front = Front(
            listen=near(0), nodes=Upstream(servers=()), startgate=Upstream(servers=()), remove=("X-User", "X-Roles")
        )
        said = [b"X-Forwarded-For: 6.6.6.6", b"Forwarded: for=6.6.6.6", b"X-User: root", b"x-roles: superuser"]
        said += [b"X-User: admin", b"X-Forwarded-Proto: gopher", b"X-Opaque-Id: me", b"Authorization: Basic YTpi"]
        with led(program, tmp_path, front) as port:
            for target in (b"/_search", b"/_ml/data_frame/analytics/x/_start"):
                answer = ask(port, request(target, b"POST", *said)).lower()
                assert told(answer)[0]
                for gone in (b"6.6.6.6", b"root", b"superuser", b"admin", b"gopher"):
                    assert gone not in answer
                for kept in (b"\r\nx-forwarded-for: 127.0.0.1\r\n", b"\r\nx-forwarded-proto: http\r\n"):
                    assert kept in answer
                for kept in (b"\r\nhost: es.example.org:9200\r\n", b"\r\nx-opaque-id: me\r\n", b": basic ytpi\r\n"):
                    assert kept in answer

    @each
    def test_bodies_arrive_also_where_a_client_waits_for_leave(self, program: Program, tmp_path: Path) -> None:
        body = b'{"a":1}' * 20_000
        with led(program, tmp_path) as port:
            for target in (b"/_bulk", b"/_ml/data_frame/analytics/x/_start"):
                length = b"Content-Length: %d" % len(body)
                assert ask(port, request(target, b"POST", length) + body).endswith(b"\r\n\r\n" + body)
                waiting = request(target, b"POST", length, b"Expect: 100-continue")
                with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as peer:
                    peer.sendall(waiting)
                    heard = peer.recv(65536)
                    assert heard.startswith(b"HTTP/1.1 100 ")
                    peer.sendall(body)
                    while more := peer.recv(65536):
                        heard += more
                assert heard.endswith(b"\r\n\r\n" + body)

    @each
    @pytest.mark.parametrize("expected", [b"magic", b"100-continue, magic", b""])
    def test_nothing_is_expected_of_a_node(self, program: Program, expected: bytes, tmp_path: Path) -> None:
        with led(program, tmp_path) as port:
            answer = ask(port, request(b"/_search", b"POST", b"Expect: " + expected)).lower()
        assert told(answer)[0] != b"nodes" or b"\r\nexpect:" not in answer

    @each
    def test_a_head_as_large_as_startgate_takes(self, program: Program, tmp_path: Path) -> None:
        with led(program, tmp_path) as port:
            answer = ask(port, request(b"/_search", b"POST", *(b"X-%d: %b" % (at, b"a" * 900) for at in range(60))))
        assert told(answer)[0] == b"nodes"
        assert answer.lower().count(b"\r\nx-") >= 60


class TestTls:
    @each
    def test_to_clients_and_to_both(self, program: Program, pem: Certificates, tmp_path: Path) -> None:
        tls = tls_of(pem)
        front = Front(
            listen=near(0),
            nodes=Upstream(servers=(), tls=tls),
            startgate=Upstream(servers=(), tls=tls),
            certificate=str(pem.certificate),
            key=str(pem.key),
        )
        with led(program, tmp_path, front, server_context(pem)) as port:
            for target, who in ((b"/_search", b"nodes"), (b"/_ml/data_frame/analytics/x/_start", b"startgate")):
                assert told(ask(port, request(target), pem.ca)) == (who, b"POST %b HTTP/1.1" % target)

    @each
    @pytest.mark.parametrize("wrong", ["name", "authority"])
    def test_somebody_else_is_not_spoken_to(
        self, program: Program, wrong: str, pem: Certificates, tmp_path: Path
    ) -> None:
        other = tmp_path / "other-ca"
        trustme.CA().cert_pem.write_to_path(other)
        tls = tls_of(pem)
        tls = replace(tls, names=("other.example.org",)) if wrong == "name" else replace(tls, ca=str(other))
        tls = replace(tls, server_name=tls.names[0])
        front = Front(listen=near(0), nodes=Upstream(servers=(), tls=tls), startgate=Upstream(servers=(), tls=tls))
        with led(program, tmp_path, front, server_context(pem)) as port:
            for target in (b"/_search", b"/_ml/data_frame/analytics/x/_start"):
                answer = ask(port, request(target))
                assert answer.startswith((b"HTTP/1.1 502 ", b"HTTP/1.1 503 "))

    @pytest.mark.parametrize("program", PROGRAMS[1:], ids=lambda program: program.name)
    @pytest.mark.parametrize("secure", [False, True])
    def test_a_proxy_header_comes_before_all_else(
        self, program: Program, secure: bool, pem: Certificates, tmp_path: Path
    ) -> None:
        tls = tls_of(pem) if secure else None
        startgate = Upstream(servers=(), tls=tls, proxy_header=True)
        front = Front(listen=near(0), nodes=Upstream(servers=(), tls=tls), startgate=startgate)
        with led(program, tmp_path, front, server_context(pem) if secure else None) as port:
            start = ask(port, request(b"/_ml/data_frame/analytics/x/_start"))
            assert (told(start)[0], b"\r\nx-peer: 127.0.0.1\r\n" in start.lower()) == (b"startgate", True)
            search = ask(port, request(b"/_search"))
            assert (told(search)[0], b"\r\nx-peer: -\r\n" in search.lower()) == (b"nodes", True)


class TestHttp2:
    def fields(self, path: bytes, method: bytes = b"POST") -> list[tuple[bytes, bytes]]:
        """A request's."""
        pseudo = [(b":method", method), (b":scheme", b"https"), (b":authority", NAME.encode()), (b":path", path)]
        return [*pseudo, (b"x-user", b"root")]

    @each
    def test_each_goes_where_it_belongs(self, program: Program, pem: Certificates, tmp_path: Path) -> None:
        front = Front(
            listen=near(0),
            nodes=Upstream(servers=()),
            startgate=Upstream(servers=()),
            certificate=str(pem.certificate),
            key=str(pem.key),
            http2=True,
            remove=("X-User",),
        )

        def asked_for(target: bytes) -> bytes:
            try:
                with Connection(port, NAME, str(pem.ca)) as connection:
                    assert connection.spoken == "h2"
                    return connection.ask(self.fields(target)) or b""
            except ConnectionError:
                return b""

        with led(program, tmp_path, front) as port, ThreadPoolExecutor(AT_ONCE) as pool:
            heard = list(pool.map(asked_for, TARGETS))
        for target, answer in zip(TARGETS, heard, strict=True):
            who, line = told(b"\r\n\r\n" + answer)
            assert b"root" not in answer
            assert who in ((b"nodes",) if ordinary(target) else (b"", b"startgate")), target
            assert line in (b"", b"POST %b HTTP/1.1" % target)
        assert sum(told(b"\r\n\r\n" + answer)[0] == b"startgate" for answer in heard) > 20

    @pytest.mark.parametrize("program", [HAPROXY, *PROGRAMS[2:]], ids=lambda program: program.name)
    def test_it_is_not_spoken_unasked(self, program: Program, tmp_path: Path) -> None:
        start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
        with led(program, tmp_path) as port:
            answer = ask(port, start)
        assert not answer or answer.startswith(b"HTTP/1.1 400 ")
