"""`startgate plan`: who is asked, as whom, and what is printed."""

import json
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from proxy import cli
from proxy.commands import plan as plan_module
from proxy.planned.ask import Asking, Told
from tests.commands.running import invoke

REFUSAL = Told(status=403, content={"error": {"reason": "you lack it"}, "status": 403})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asking]:
    """Whom `startgate plan` asks, and as whom; the answer is a refusal."""
    seen: list[Asking] = []

    async def ask(job: str, asking: Asking) -> Told:
        assert job == "flights"
        seen.append(asking)
        return REFUSAL

    monkeypatch.setattr(plan_module, "ask", ask)
    return seen


def test_a_plan_of_a_start_that_would_fail(asked: list[Asking]) -> None:
    result = invoke("plan", "flights")
    assert (result.exit_code, result.output) == (1, "a start of flights would fail\n  because you lack it\n")
    assert asked == [Asking(url="http://127.0.0.1:9400")]
    document = invoke("plan", "flights", "--json")
    assert (document.exit_code, json.loads(document.output)) == (1, REFUSAL.content)


def test_who_asks_for_a_plan(asked: list[Asking], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("id:word\n")
    invoke("plan", "flights", "--user", "anna", env={"STARTGATE_PASSWORD": "secret"})
    prompted = CliRunner().invoke(cli.main, ["plan", "flights", "--user", "anna"], input="secret\n")
    invoke("plan", "flights", "--api-key-file", str(tmp_path / "key"))
    assert [one.authorization for one in asked] == ["Basic YW5uYTpzZWNyZXQ="] * 2 + ["ApiKey aWQ6d29yZA=="]
    assert "password of anna: " in prompted.stderr
    assert "secret" not in prompted.output
    assert "secret" not in repr(asked)


def test_a_plan_over_https_trusts_the_authorities_that_are_named(asked: list[Asking], tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    invoke("plan", "flights", "--url", "https://es.example.com:9400", "--ca", str(tmp_path / "ca.pem"))
    (one,) = asked
    assert one.context is not None
    assert len(one.context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--user", "a", "--api-key-file", "b"], "error: --api-key-file: --user is given as well"),
        (["--api-key-file", "/none"], "error: --api-key-file: /none cannot be read"),
        (["--url", "127.0.0.1:9400"], "error: --url: "),
        (["--url", "https://x:1", "--ca", "/none"], "error: /none: cannot be read"),
    ],
)
def test_a_plan_that_cannot_be_asked_for(asked: list[Asking], options: list[str], text: str) -> None:
    result = invoke("plan", "flights", *options, env={"STARTGATE_PASSWORD": "secret"})
    assert (result.exit_code, asked) == (2, [])
    assert text in result.stderr


def test_a_plan_that_nobody_answers(unused_tcp_port: int) -> None:
    result = invoke("plan", "flights", "--url", f"http://127.0.0.1:{unused_tcp_port}")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: no plan from http://127.0.0.1:")
