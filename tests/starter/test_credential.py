"""The commands that make the service credential, run by a real shell and curl."""

import asyncio
import json
import os
import pty
import re
import termios
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.demo.data import SERVICE_ROLE
from proxy.doctor import credential as asked_for
from proxy.embedded.app import Cluster, serve_embedded
from proxy.embedded.security.store import ELASTIC_PASSWORD
from proxy.starter import credential
from proxy.starter.model import Wish
from tests.starter.made import put, rest_of

DOCUMENT = (Path(__file__).parents[2] / "docs" / "service-credential.md").read_text()


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with serve_embedded() as one:
        yield one


async def ran(folder: Path, password: str = ELASTIC_PASSWORD, **env: str) -> tuple[int, str]:
    """Exit status and all that the script says."""
    process = await asyncio.create_subprocess_exec(
        *("sh", str(folder / credential.SCRIPT)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "ES_PASSWORD": password, **env},
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


def wish(cluster: Cluster, service: str) -> Wish:
    return Wish(nodes=(cluster.url,), service=service, sources=("a-*", "b"), destinations=("out*",))


def test_the_role_is_that_of_the_documents_and_of_the_doctor() -> None:
    role = credential.role(["flights-*"], ["flights-outliers*"])
    assert role["cluster"] == SERVICE_ROLE["cluster"]
    assert [one["privileges"] for one in role["indices"]] == [one["privileges"] for one in SERVICE_ROLE["indices"]]
    assert re.sub(r"\s", "", json.dumps(role)) in re.sub(r"\s", "", DOCUMENT)
    assert (credential.CLUSTER, credential.SOURCE) == (asked_for.CLUSTER, asked_for.SOURCE)
    assert credential.DESTINATION == asked_for.DESTINATION


async def test_a_key_is_made_once(tmp_path: Path, cluster: Cluster) -> None:
    folder = put(tmp_path, credential.credential(wish(cluster, "api-key"), "unused"))
    assert (folder / "secrets/api-key").read_text() == credential.PLACEHOLDER
    status, said = await ran(folder)
    assert (status, said) == (0, "the key is in secrets/api-key\n")
    (key,) = cluster.security.api_keys.values()
    assert dict(key.descriptors) == {"startgate": credential.role(["a-*", "b"], ["out*"])}
    held = folder / "secrets/api-key"
    assert held.stat().st_mode & 0o777 == 0o600
    before = held.read_text()
    status, said = await ran(folder)
    assert (status, "holds a key already" in said) == (1, True)
    assert held.read_text() == before


async def test_a_user_is_made_with_the_password(tmp_path: Path, cluster: Cluster) -> None:
    folder = put(tmp_path, credential.credential(wish(cluster, "user"), "p-ass_word1234"))
    status, said = await ran(folder)
    assert (status, said) == (0, "the user startgate is there; its password is in secrets/password\n")
    assert "p-ass_word1234" not in (folder / credential.SCRIPT).read_text() + (folder / credential.CONSOLE).read_text()
    status, said = await ran(folder, password="p-ass_word1234", ES_USER="startgate")
    assert (status, "the cluster refuses it" in said) == (1, True), "it may make no users itself"


@pytest.mark.parametrize("service", ["api-key", "user"])
@pytest.mark.parametrize("password", ["wrong", 'quo"te', "back\\slash", "per%cent's"])
async def test_a_wrong_password_leaves_all_as_it_was(
    tmp_path: Path, cluster: Cluster, service: str, password: str
) -> None:
    folder = put(tmp_path, credential.credential(wish(cluster, service), "p"))
    before = {path.name: path.read_bytes() for path in (folder / "secrets").iterdir()}
    status, said = await ran(folder, password=password)
    assert status == 1
    assert "unable to authenticate user [elastic]" in said
    assert {path.name: path.read_bytes() for path in (folder / "secrets").iterdir()} == before


@pytest.mark.parametrize("password", ['quo"te', "back\\slash", "per%cent's $HOME"])
async def test_odd_passwords_arrive(tmp_path: Path, cluster: Cluster, password: str) -> None:
    cluster.add_user("chief", password, ["superuser"])
    folder = put(tmp_path, credential.credential(wish(cluster, "api-key"), "p"))
    assert (await ran(folder, password=password, ES_USER="chief"))[0] == 0


async def test_without_a_terminal_nobody_is_asked_for_a_password(tmp_path: Path, cluster: Cluster) -> None:
    folder = put(tmp_path, credential.credential(wish(cluster, "api-key"), "p"))
    process = await asyncio.create_subprocess_exec(
        *("sh", str(folder / credential.SCRIPT)),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "ES_PASSWORD"},
    )
    _, said = await process.communicate()
    assert (process.returncode, said.decode()) == (1, "set ES_PASSWORD, or run this on a terminal\n")


async def test_on_a_terminal_the_password_is_asked_for_and_not_shown(tmp_path: Path, cluster: Cluster) -> None:
    folder = put(tmp_path, credential.credential(wish(cluster, "api-key"), "p"))
    terminal, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *("sh", str(folder / credential.SCRIPT)),
        stdin=end,
        stdout=end,
        stderr=end,
        env={name: value for name, value in os.environ.items() if name != "ES_PASSWORD"},
    )
    os.close(end)
    heard = ""
    while "password of elastic at" not in heard or _echoes(terminal):
        heard += (await asyncio.to_thread(os.read, terminal, 4096)).decode() if ": " not in heard else ""
        await asyncio.sleep(0.01)
    os.write(terminal, f"{ELASTIC_PASSWORD}\n".encode())
    heard += await asyncio.to_thread(rest_of, terminal)
    assert await process.wait() == 0, heard
    assert "the key is in secrets/api-key" in heard
    assert ELASTIC_PASSWORD not in heard


def _echoes(terminal: int) -> bool:
    """Whether what is typed is shown."""
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


async def test_another_node_can_be_named(tmp_path: Path, cluster: Cluster) -> None:
    away = replace(wish(cluster, "api-key"), nodes=("http://127.0.0.1:9",))
    folder = put(tmp_path, credential.credential(away, "p"))
    assert (await ran(folder))[0] != 0
    assert (await ran(folder, ES_URL=cluster.url))[0] == 0


async def test_the_console_makes_the_same(tmp_path: Path, cluster: Cluster) -> None:
    for service in ("api-key", "user"):
        text = {one.path: one.content.decode() for one in credential.credential(wish(cluster, service), "p")}
        calls = re.findall(r"^(POST|PUT) (/\S+)\n(\{.*?^\})", text[credential.CONSOLE], re.MULTILINE | re.DOTALL)
        assert [call[1] for call in calls] == [path for _, path, _ in credential._calls(wish(cluster, service))]
        assert credential.role(["a-*", "b"], ["out*"]) in _dicts(json.loads(calls[0][2]))


def _dicts(value: object) -> list[object]:
    """A decoded JSON object, and all that are in it."""
    if not isinstance(value, dict):
        return []
    return [value, *(inner for one in value.values() for inner in _dicts(one))]


def test_without_one_there_is_nothing_to_make() -> None:
    assert credential.credential(Wish(nodes=("http://a:1",), service="none"), "p") == []


def test_the_authorities_are_handed_to_curl() -> None:
    one = Wish(nodes=("https://a:1",), cluster_ca="/etc/it's a ca.pem")
    script = next(made.content.decode() for made in credential.credential(one, "p") if made.path == credential.SCRIPT)
    assert """--cacert '/etc/it'"'"'s a ca.pem' """ in script
