"""`startgate explain`: whom it asks, what it prints, and with what it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.commands import explain as module
from proxy.errors import CannotServe, ExitStatus
from proxy.planned.ask import EXPLANATION, Asking, Told, Wish
from tests.cases.samples import CASES, RULES
from tests.commands.running import invoke

CONTENT: dict[str, Any] = {
    "allowed": True,
    "reasons": [],
    "steps": [],
    "rules": {"revision": "abc", "authority": "cluster"},
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Whom it asks, and as whom; the list's last element before the call is the answer."""
    seen: list[Any] = []

    async def ask(job: str, asking: Asking, wish: Wish) -> Told:
        answer = seen.pop()
        seen.extend((job, asking, wish))
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Told)
        return answer

    monkeypatch.setattr(module, "ask", ask)
    return seen


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Told(status=200, content=CONTENT), 0),
        (Told(status=200, content={**CONTENT, "allowed": False, "reasons": [{}]}), 1),
        (Told(status=404, content={"error": {"reason": "No known job"}}), 1),
        (CannotServe(ExitStatus.INVALID, "who are you"), 2),
        (CannotServe(ExitStatus.UNREACHABLE, "nobody there"), 3),
    ],
)
def test_what_it_ends_with(asked: list[Any], answer: object, status: int) -> None:
    asked.append(answer)
    assert invoke("explain", "flights").exit_code == status
    assert asked == ["flights", Asking(url="http://127.0.0.1:9400"), EXPLANATION]


def test_it_explains_a_start_by_somebody_else(asked: list[Any]) -> None:
    asked.append(Told(status=200, content=CONTENT))
    result = invoke("explain", "flights", "--as", "bob", "--json")
    assert asked[1].run_as == "bob"
    assert json.loads(result.output) == CONTENT


@pytest.fixture
def cases(tmp_path: Path) -> str:
    (tmp_path / "start.yml").write_text(RULES)
    (tmp_path / "a_test.yml").write_text(CASES)
    return str(tmp_path / "a_test.yml")


def test_it_explains_cases_by_the_same_code(cases: str) -> None:
    result = invoke("explain", "delays", "--case", cases, "-k", "may read nothing")
    assert result.exit_code == 1
    first, *_ = result.output.splitlines()
    assert first == "case: bob may read nothing"
    assert "a start of delays would be denied: 6 things speak against it" in result.output
    assert "the caller lacks the privilege [read] on the source index [flights]" in result.output
    allowed = invoke("explain", "delays", "--case", cases, "-k", "ada", "--json")
    assert (allowed.exit_code, json.loads(allowed.output)["allowed"]) == (0, True)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("others", "--case"), "has no case of the job [others]"),
        (("delays", "-k", "x", "--case"), "with 'x' in its name"),
        (("delays", "--as", "bob", "--case"), "--as: --case is given as well"),
    ],
)
def test_what_is_wrong_is_told(cases: str, options: tuple[str, ...], text: str) -> None:
    result = invoke("explain", *options, cases)
    assert result.exit_code == 2
    assert text in result.stderr
