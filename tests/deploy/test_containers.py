"""The image, really built and really run by a container engine, by the commands of docs/deployment.md.

Podman stands for Docker. No registry of images is asked: tests/deploy/containers_base.py says what the image is built
on, and what is therefore not tried. The cluster is the embedded one, in a container of the same image.
"""

import base64
import csv
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.embedded.security.store import ELASTIC_PASSWORD
from proxy.errors import ExitStatus
from tests.deploy.containers import BASE, IMAGE, NETWORK, Engine, documented, until

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.timeout(900)]

NODE, GATE = "es01.example.org", "one"
URL = "http://127.0.0.1:9400"
JOB = {"source": {"index": ["flights"]}, "dest": {"index": "flights-ml"}, "analysis": {"outlier_detection": {}}}
# More than Startgate and its dependencies take, and less than with a compiler or a second copy of anything.
ADDED_BYTES = 200_000_000
LOOK = """
import importlib.util, json, pathlib
compiled = [path.read_bytes()[4] for path in pathlib.Path("/opt/startgate").rglob("*.pyc")]
installers = [name for name in ("pip", "setuptools", "wheel", "hatchling") if importlib.util.find_spec(name)]
print(json.dumps({"checked": compiled.count(0), "compiled": len(compiled), "installers": installers}))
"""


def test_the_image_says_what_it_is_and_how_it_runs(podman: Engine) -> None:
    image = podman.inspected("image", IMAGE)
    config = image["Config"]
    assert config["User"] == "10001:0"
    assert (config["Entrypoint"], config["Cmd"]) == (["startgate"], ["serve"])
    assert config["StopSignal"] == "SIGTERM"
    assert config["WorkingDir"] == "/etc/startgate"
    assert set(config["Volumes"]) == {"/var/lib/startgate"}
    assert set(config["ExposedPorts"]) == {"9400/tcp"}
    assert config["Labels"]["org.opencontainers.image.title"] == "Startgate"
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert image["Healthcheck"]["Test"] == ["CMD", "startgate", "status", "--for", "traffic"]
    # A variable of the build with a password or an address of this machine would stay in the image.
    assert {line.partition("=")[0] for line in config["Env"]} == {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def files(podman: Engine, image: str) -> set[str]:
    """All files of an image but what the engine mounts into every container."""
    command = "find / -xdev -type f -not -path '/etc/host*' -not -path '/etc/resolv.conf' -not -path '/run/*'"
    return set(podman.out("run", "--rm", "--user", "0", "--entrypoint", "sh", image, "-c", command).splitlines())


def test_there_is_nothing_in_it_but_the_base_and_startgate(podman: Engine) -> None:
    added = files(podman, IMAGE) - files(podman, BASE)
    assert "/etc/startgate/startgate.yml" in added
    assert [path for path in added if not path.startswith("/opt/startgate/")] == ["/etc/startgate/startgate.yml"]
    seen = json.loads(podman.out("run", "--rm", "--entrypoint", "python", IMAGE, "-c", LOOK))
    assert seen["installers"] == []
    # Compiled once and for all: what goes by the time of its source is compiled again, at every start and at every
    # health check, as soon as the times in the image are set.
    assert seen["compiled"] > 500
    assert seen["checked"] == 0
    sizes = [podman.inspected("image", name)["Size"] for name in (BASE, IMAGE)]
    assert sizes[1] - sizes[0] < ADDED_BYTES


def test_the_same_sources_make_the_same_layers(podman: Engine) -> None:
    podman.build("--no-cache", "--tag", "again")
    first, again = (podman.inspected("image", name)["RootFS"]["Layers"] for name in (IMAGE, "again"))
    assert first == again
    ids = [podman.inspected("image", name)["Id"] for name in (IMAGE, "again")]
    assert ids[0] == ids[1]


@pytest.fixture(name="node")
def run_node(podman: Engine) -> Iterator[str]:
    """The name of a container with the cluster, which has an index and a job."""
    options = ["--detach", "--name", "node", "--network", NETWORK, "--network-alias", NODE, "--publish", "9200:9200"]
    podman.podman("run", *options, IMAGE, "embedded", "--host", "0.0.0.0")
    url = "http://127.0.0.1:9200"
    until(lambda: "ready" in podman.podman("logs", "node").stdout, lambda: podman.out("logs", "node"))
    for path, body in (
        ("/flights/_doc/1?refresh=true", {"distance": 1.5}),
        ("/_ml/data_frame/analytics/delays", JOB),
        ("/_security/user/bob", {"password": "bob-demo", "roles": ["machine_learning_admin"]}),
    ):
        answer = podman.ask("PUT", url + path, body, user("elastic"))
        assert answer.status in {200, 201}, answer
    yield "node"
    podman.podman("rm", "--force", "--time", "0", "--volumes", "node")


def user(name: str) -> dict[str, str]:
    """The header that says who asks."""
    password = ELASTIC_PASSWORD if name == "elastic" else f"{name}-demo"
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def words_of_run(*without: str) -> list[str]:
    """What follows `docker run` in the document, in the network of these tests, without some of its options."""
    _, verb, *words = documented("docker run ")
    assert (verb, words[-1]) == ("run", IMAGE)
    for option in without:
        place = words.index(option)
        del words[place : place + 2]
    # The embedded cluster serves plainly.
    fitted = [word.replace(f"NODES=https://{NODE}", f"NODES=http://{NODE}") for word in words]
    assert fitted != words
    return ["--network", NETWORK, *fitted]


def serve(podman: Engine) -> None:
    """The documented run, in the background, until it serves."""
    podman.podman("run", "--detach", "--name", GATE, *words_of_run())
    until(lambda: " ready: " in logs(podman), lambda: logs(podman))


def logs(podman: Engine) -> str:
    """All that Startgate said."""
    done = podman.podman("logs", GATE)
    return done.stdout + done.stderr


@pytest.fixture(name="gate")
def run_gate(podman: Engine, node: str) -> Iterator[str]:
    """The name of a container that serves in front of the cluster, on a new volume."""
    assert node
    serve(podman)
    yield GATE
    podman.podman("rm", "--force", "--time", "0", GATE, status=None)
    podman.podman("volume", "rm", "--force", "journal")


def start(podman: Engine, name: str) -> int:
    """The status of a start by somebody."""
    return podman.ask("POST", f"{URL}/_ml/data_frame/analytics/delays/_start", None, user(name)).status


def verdicts(podman: Engine) -> list[str]:
    """Who was told what, by the record."""
    lines = podman.out("exec", GATE, "startgate", "audit", "list", "--csv").splitlines()
    return [f"{one['user']}: {one['result']}" for one in csv.DictReader(lines)]


def healthy(podman: Engine) -> bool:
    """What the engine takes the container for after one more check."""
    return podman.podman("healthcheck", "run", GATE, status=None).returncode == 0


@pytest.mark.usefixtures("gate")
def test_traffic_passes_and_starts_are_judged_and_recorded(podman: Engine) -> None:
    found = podman.ask("GET", f"{URL}/flights/_search?filter_path=hits.total.value", None, user("elastic"))
    assert (found.status, json.loads(found.body)) == (200, {"hits": {"total": {"value": 1}}})
    assert start(podman, "bob") == 403
    assert start(podman, "elastic") == 200
    assert verdicts(podman) == ["bob: denied", "elastic: granted"]


@pytest.mark.usefixtures("gate")
def test_it_can_write_nowhere_but_to_the_journal_and_the_temporary_folder(podman: Engine) -> None:
    for folder, status in (("/opt/startgate", 1), ("/etc/startgate", 1), ("/var/lib/startgate", 0), ("/tmp", 0)):  # noqa: S108 -- the container's
        podman.podman("exec", GATE, "touch", f"{folder}/here", status=status)
    told_of = podman.out("exec", GATE, "cat", "/proc/1/status")
    assert re.search(r"^CapEff:\s+0+$", told_of, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", told_of, re.MULTILINE)
    assert re.search(r"^Uid:\s+10001\s", told_of, re.MULTILINE)


@pytest.mark.usefixtures("gate")
def test_it_is_healthy_while_the_cluster_can_be_reached(podman: Engine, node: str) -> None:
    until(lambda: healthy(podman), lambda: logs(podman))
    podman.podman("stop", "--time", "5", node)
    until(lambda: not healthy(podman), lambda: logs(podman))
    podman.podman("start", node)
    until(lambda: healthy(podman), lambda: logs(podman))


def half_a_request() -> tuple[socket.socket, bytes]:
    """A connection on which a request has begun, and what is missing of it."""
    connection = socket.create_connection(("127.0.0.1", 9400))
    body = b'{"distance": 2.5}'
    head = [
        "PUT /flights/_doc/2 HTTP/1.1",
        "Host: startgate",
        f"Authorization: {user('elastic')['Authorization']}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + body[:4])
    return connection, body[4:]


@pytest.mark.usefixtures("gate")
def test_it_finishes_what_is_in_flight_and_the_next_goes_on_in_the_same_journal(podman: Engine) -> None:
    assert start(podman, "bob") == 403
    connection, rest = podman.inside(half_a_request)
    with connection, ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(podman.podman, "stop", GATE)
        until(lambda: "stopping: requests in flight may finish" in logs(podman), lambda: logs(podman))
        connection.sendall(rest)
        assert connection.recv(1024).startswith(b"HTTP/1.1 201 ")
        stopped.result()
    state = podman.inspected("container", GATE)["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0), logs(podman)
    podman.podman("rm", GATE)
    serve(podman)
    assert start(podman, "elastic") == 200
    assert verdicts(podman) == ["bob: denied", "elastic: granted"]
    assert ": whole" in podman.out("exec", GATE, "startgate", "audit", "verify")


@pytest.mark.usefixtures("gate")
def test_a_second_one_on_the_same_journal_is_refused(podman: Engine) -> None:
    told_of = podman.podman("run", "--rm", *words_of_run("--publish"), status=None)
    assert told_of.returncode not in {0, None}
    assert "/var/lib/startgate/journal" in told_of.stderr
    # The first one is not troubled by it.
    assert start(podman, "bob") == 403


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--user", "12345:0", "/var/lib/startgate/journal cannot be reached: permission denied for the user 12345"),
        ("--volume", "journal:/var/lib/startgate:ro", "/var/lib/startgate"),
        ("--env", "STARTGATE_RULES=/nowhere", "/nowhere does not exist"),
    ],
)
def test_what_it_cannot_serve_with_is_told(podman: Engine, option: str, value: str, said: str) -> None:
    replaced = ("--volume",) if option == "--volume" else ()
    words = words_of_run(*replaced)
    told_of = podman.podman("run", "--rm", f"{option}={value}", *words, status=int(ExitStatus.INVALID))
    assert said in told_of.stderr
    assert "Traceback" not in told_of.stderr


@pytest.mark.usefixtures("node")
def test_nothing_of_it_is_seen_on_this_machine(podman: Engine) -> None:
    """Mounts, addresses and sockets are in namespaces of the engine's own; folders, where the test has its own."""
    mounts = Path("/proc/self/mounts").read_text()
    assert str(podman.folder) not in mounts
    seen = podman.run("cat", "/proc/self/mounts").stdout
    assert str(podman.folder) in seen
