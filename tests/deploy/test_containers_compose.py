"""docker-compose.yml, profile `single`, run in containers: by the commands of docs/deployment.md, in the file's order,
with the file's users, networks, volumes and health checks.

Real are the containers, the image of Startgate, the set-up, certificates, passwords, the service credential, networks
and volumes. Not real, as their images cannot be had without a registry: Elasticsearch, for which the embedded cluster
stands under the same name, user, variables and health check (tests/deploy/containers_node.py); Kibana, for which a
client on its network asks what Kibana asks first; and Compose itself (tests/deploy/containers_compose.py), whose own
loader reads the file in test_compose.py.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.containers import IMAGE, Engine
from tests.deploy.containers_base import add
from tests.deploy.containers_compose import Project, dotenv, project, substituted
from tests.doc_commands import ROOT, told

SERVICES = ("elasticsearch", "startgate")
DOCKERFILE = """
FROM startgate:local
USER 0
COPY root /
COPY containers_node.py /
# What the volumes are mounted over belongs to the user of the genuine image, number 1000.
RUN install -d -o 1000 /usr/share/elasticsearch/data
WORKDIR /usr/share/elasticsearch
USER 1000:0
ENTRYPOINT ["python", "/containers_node.py"]
CMD []
HEALTHCHECK NONE
"""
# As Kibana's user by the certificate's authority, and without any by the way round Startgate.
ASK = """
import base64, ssl, sys, urllib.request
url, password = sys.argv[1:]
who = base64.b64encode(f"kibana_system:{password}".encode()).decode()
request = urllib.request.Request(url, headers={"Authorization": f"Basic {who}"})
context = ssl.create_default_context(cafile="/certs/ca.crt")
print(urllib.request.urlopen(request, context=context, timeout=20).read().decode())
"""


def commands(begin: str) -> list[str]:
    """The commands of docs/deployment.md that begin so."""
    return [one.text for one in told(ROOT / "docs" / "deployment.md") if one.text.startswith(begin)]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a ${A:-x} b", "a 1 b"),
        ("${B:-x,y-*}", "x,y-*"),
        ("${B}", ""),
        ("${A:?choose one}", "1"),
        ("%{http_code} $${A}", "%{http_code} $${A}"),
    ],
)
def test_variables_are_put_in_place(text: str, made: str) -> None:
    assert substituted(text, {"A": "1"}) == made


def test_a_variable_that_must_be_set_is_asked_for() -> None:
    with pytest.raises(KeyError, match="B: choose one"):
        substituted("${B:?choose one}", {"A": "1", "B": ""})


def test_a_dotenv_is_read() -> None:
    assert dotenv("# A=0\nA=1\n\nB=\nC=x=y\n") == {"A": "1", "B": "", "C": "x=y"}


@pytest.fixture(name="checkout", scope="module")
def make_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader has it after the first commands of the document."""
    folder = tmp_path_factory.mktemp("checkout")
    folder.chmod(0o755)
    for name in ("docker-compose.yml", "deploy/compose", "rules"):
        (folder / name).parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    return folder


@pytest.fixture(name="running", scope="module")
def run_services(podman: Engine, checkout: Path) -> Iterator[Project]:
    """The services of the profile but Kibana."""
    for command in commands("cp ") + commands("sed "):
        if ".env" in command:
            podman.run("sh", "-ec", command, cwd=checkout)
    made = project(podman, checkout, "single")
    podman.podman("tag", IMAGE, made.services["startgate"]["image"])
    stand_in(podman, made.services["elasticsearch"]["image"])
    assert commands("docker compose up") == ["docker compose up --build --detach"]
    made.up(*SERVICES)
    # As Kibana does.
    made.wait("startgate", "service_healthy")
    yield made
    made.down()


def stand_in(podman: Engine, name: str) -> None:
    """Makes the image that stands for Elasticsearch's, with what its health check uses."""
    context = podman.folder / "node"
    (context / "root" / "bin").mkdir(parents=True)
    add(context / "root", ["curl", "grep"])
    shutil.copy(Path(__file__).parent / "containers_node.py", context)
    (context / "Dockerfile").write_text(DOCKERFILE)
    podman.podman("build", "--network", "none", "--tag", name, context)


def asked(running: Project, network: str, url: str, status: int = 0) -> str:
    """What Kibana's user is told at an address, in a container of a network."""
    password = dotenv((running.folder / ".env").read_text())["KIBANA_PASSWORD"]
    options = ["--rm", f"--network={running.name}_{network}", f"--volume={running.name}_certs:/certs:ro"]
    command = ["--entrypoint=python", "startgate:local", "-c", ASK, url, password]
    done = running.podman.podman("run", *options, *command, status=status)
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.timeout(900)
def test_what_the_document_asks_is_answered(running: Project) -> None:
    asked_for = [shlex.split(text)[3:] for text in commands("docker compose exec ")]
    assert len(asked_for) == 2
    (status, _), (listed, _) = ((running.exec(service, *words), words) for service, *words in asked_for)
    assert "ready" in status
    assert "Traceback" not in listed
    assert commands("docker compose logs ") == ["docker compose logs startgate"]
    assert " ready: https://" in running.logs("startgate")


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.timeout(900)
def test_clients_reach_the_cluster_through_startgate_and_no_other_way(running: Project) -> None:
    assert '"kibana_system"' in asked(running, "clients", "https://startgate:9400/_security/_authenticate")
    assert "URLError" in asked(running, "clients", "https://elasticsearch:9200/", status=1)
    # The engine has it on that one network, as the file says.
    found = running.podman.inspected("container", running.container("elasticsearch"))["NetworkSettings"]["Networks"]
    assert set(found) == {f"{running.name}_cluster"}


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.timeout(900)
def test_the_set_up_has_been_done_and_changes_nothing_the_second_time(running: Project) -> None:
    assert "certificates made" in running.logs("certificates")
    assert "kibana_system has its password" in running.logs("prepared")
    for name, said in (("certificates", "certificates are there"), ("prepared", "the service credential is there")):
        running.podman.podman("start", running.container(name))
        assert running.podman.out("wait", running.container(name)) == "0"
        assert said in running.logs(name)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.timeout(900)
def test_keys_are_read_by_the_one_service_that_may(running: Project) -> None:
    assert running.exec("startgate", "sh", "-c", "cat /secrets/startgate-api-key /certs/startgate.key")
    for service, path in (("startgate", "/certs/elasticsearch.key"), ("elasticsearch", "config/certs/startgate.key")):
        done = running.podman.podman("exec", running.container(service), "cat", path, status=1)
        assert re.search("Permission denied", done.stderr)
