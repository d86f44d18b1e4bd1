"""Who listens on a port."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from proxy.doctor.holders import family, holds
from proxy.doctor.host import Host


def test_own_sockets_are_seen() -> None:
    for address, kind in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
        with socket.create_server((address, 0), family=kind) as one:
            port = one.getsockname()[1]
            assert holds(Host(), [os.getpid()], port) is True
            assert holds(Host(), [], port) is False
        assert not holds(Host(), [os.getpid()], port), "it listens there no more"


def test_others_sockets_are_seen_by_their_process() -> None:
    script = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert holds(Host(), [os.getpid()], port) is False
        assert holds(Host(), [child.pid], port) is True
        # A sibling of it is of its family, and so is who made it.
        assert {os.getpid(), child.pid} <= family(Host(), [child.pid])
        child.communicate()


def test_who_may_not_look_does_not_know(tmp_path: Path) -> None:
    line = "  0: 0100007F:24B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/tcp").write_text("  sl  local_address\n" + line)
    assert holds(Host(tmp_path), [7], 9400) is None
    assert holds(Host(tmp_path), [7], 9401) is None


def test_who_has_lost_its_parent_is_alone(tmp_path: Path) -> None:
    for pid, parent in (("7", 1), ("8", 1)):
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / "status").write_text(f"Name:\tx\nPPid:\t{parent}\n")
    assert family(Host(tmp_path), [7]) == {7}
