"""The launcher itself: the node is genuine, has the oracle on the start route, and ends when told to."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.real.node import RealNode
from tests.real.versions import CannotRun, by_number, selected

pytestmark = pytest.mark.real


def test_the_node_says_its_release_and_is_a_product_that_clients_accept(real_node: RealNode) -> None:
    answer = real_node.call("GET", "/")
    assert answer.headers["x-elastic-product"] == "Elasticsearch"
    info = answer.data
    assert info["version"]["number"] == real_node.version.number
    assert info["tagline"] == "You Know, for Search"


def test_the_oracle_counts_and_echoes_what_reached_the_start_handler(real_node: RealNode) -> None:
    real_node.forget_hits()
    answer = real_node.call("POST", "/_ml/data_frame/analytics/a%2Fb/_start?timeout=5s", {"id": "a/b"})
    echo = answer.data
    assert answer.headers["x-oracle"] == "start"
    assert (echo["id"], echo["parameters"]["timeout"]) == ("a/b", "5s")
    assert echo["uri"] == "/_ml/data_frame/analytics/a%2Fb/_start?timeout=5s"
    assert json.loads(echo["body"]) == {"id": "a/b"}
    assert real_node.hits() == 1


def test_other_methods_on_the_route_do_not_count(real_node: RealNode) -> None:
    real_node.forget_hits()
    assert real_node.call("PUT", "/_ml/data_frame/analytics/x/_start").status == 405
    assert real_node.hits() == 0


def test_documents_can_be_indexed_and_found(real_node: RealNode) -> None:
    real_node.call("PUT", "/launcher-check/_doc/1?refresh=true", {"n": 1})
    found = real_node.call("GET", "/launcher-check/_search").data
    assert found["hits"]["hits"][0]["_source"] == {"n": 1}
    real_node.call("DELETE", "/launcher-check")


def test_an_unknown_release_is_named_with_the_known_ones() -> None:
    with pytest.raises(CannotRun, match=r"Elasticsearch 1\.0 has no launcher here; known: 7\.17"):
        by_number("1.0")


@pytest.mark.slow
@pytest.mark.parametrize("real_node", selected()[:1], indirect=True, ids=lambda version: version.number)
def test_the_node_ends_with_the_process_that_started_it(real_node: RealNode) -> None:
    # Same release as the running node, so that nothing has to be fetched or compiled for it.
    program = (
        "import os, signal, sys\n"
        "from tests.real.node import RealNode\n"
        f"node = RealNode.start({real_node.version.number!r})\n"
        "print(node.port, node.folder, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    port, folder = done.stdout.split()
    shutil.rmtree(folder, ignore_errors=True)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", int(port)), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail(f"a node still listens on port {port}")
